"""One experiment of ``probe``: a few system calls that harm nothing."""

from __future__ import annotations

import os
import struct

from shellplay.kernel import constants as k
from shellplay.kernel.caller import Returned
from shellplay.model import Value

Arguments = tuple[int | bytes | bytearray, ...]
# The result of the first call, as an argument of the second one.
FIRST = Returned(0)
HERE, ROOT = k.AT_FDCWD, b"/"
READ, WRITE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY, os.O_WRONLY | os.O_NONBLOCK
# A file without a name ends with its process.
NAMELESS = os.O_TMPFILE | os.O_RDWR
MAKER, NODE = b"/tmp", b"/tmp/.shellplay-probe"


class Experiment(Value):
    """One experiment: what a process tries, and what it could do with it.

    ``steps`` are calls with their arguments.  ``beyond`` are errnos that only follow a passed
    check.  ``alone`` tells that it changes its process, which is one of its own then.
    ``late`` tells that it changes the mounts of all, so it comes behind the others.
    """

    name: str
    group: str
    tries: str
    steps: tuple[tuple[str, Arguments], ...]
    beyond: tuple[int, ...] = ()
    alone: bool = False
    late: bool = False

    @property
    def path(self) -> str:
        """The path of its first call, empty if it has none."""
        found = (each for each in self.steps[0][1] if isinstance(each, bytes))
        text = next(found, b"")
        return os.fsdecode(text) if text.startswith(b"/") else ""


def opening(name: str, group: str, tries: str, path: str, flags: int = READ) -> Experiment:
    """Return an experiment that opens a path, openat2(2)."""
    return Experiment(name, group, tries, (open_step(path.encode(), flags),))


def open_step(path: bytes, flags: int) -> tuple[str, Arguments]:
    """Return the call that opens a path."""
    how = bytearray(
        struct.pack("QQQ", flags | os.O_CLOEXEC, 0o600 if flags == NAMELESS else 0, 0)
    )
    return "openat2", (HERE, path, how, len(how))
