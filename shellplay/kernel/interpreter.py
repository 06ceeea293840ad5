"""Start the Python of this process again, isolated, as a process that works for shellplay."""

from __future__ import annotations

import os
import sys

from shellplay.kernel.host_program import HostProgram, opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# A stub is a fork of a process that ``spawn`` has started; in a stub this is its Python.
OF_STUB = HostProgram("/proc/self/exe")
LIBRARY_PATH = "LD_LIBRARY_PATH"


def command(code: str, *arguments: str) -> list[str]:
    """Return the words that run ``code`` without the user's settings and site-packages."""
    return [sys.executable, "-I", "-S", "-c", code, *arguments]


def spawn(
    argv: list[str],
    environment: Mapping[str, str],
    file_actions: Sequence[tuple[object, ...]],
    *,
    session: bool,
) -> int:
    """Start ``argv``, the words of ``command``, by posix_spawn(3); return the PID.

    It gets a session of its own, or only a process group.  No process inside can change the
    file of Python through it or through its forks.  Raises Refused.
    """
    with opened(sys.executable) as python:
        libraries = library_path() if python.moved else {}
        return os.posix_spawn(
            python.executable,
            argv,
            {**environment, **libraries},
            file_actions=file_actions,
            setsigmask=(),
            **({"setsid": True} if session else {"setpgroup": 0}),
        )


def library_path() -> dict[str, str]:
    """Return LD_LIBRARY_PATH with the directory of libpython, empty if Python has none.

    An interpreter may look for it relative to its own file, and that is a copy here.
    """
    with open("/proc/self/maps", "rb") as maps:
        paths = {os.fsdecode(line.split(None, 5)[5].strip()) for line in maps if b"/" in line}
    found = {os.path.dirname(each) for each in paths if "/libpython" in each}
    given = os.environ.get(LIBRARY_PATH)
    words = [*sorted(found), *([given] if given else [])]
    return {LIBRARY_PATH: ":".join(words)} if found else {}
