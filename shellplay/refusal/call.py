"""One refused system call, with what its arguments pointed to at that moment."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

from shellplay.kernel import constants as k
from shellplay.kernel import procfs
from shellplay.kernel.architecture import signed
from shellplay.kernel.call_tracer import Entered
from shellplay.model import Value
from shellplay.refusal.signatures import SIGNATURES

LONGEST, STRUCTURE = 4096, 128
_INT = struct.Struct("i")


class RefusedCall(Value):
    """A call that failed, or that was held back before it was made (``errno`` 0).

    ``arguments`` are numbers, and bytes where the call has a pointer to them.  ``paths`` are
    absolute, as the program sees them.  ``directory`` tells that a path has been made absolute,
    and stands for a descriptor and a path.  ``shown`` are the arguments for people, and
    ``program`` is the name of the process.
    """

    name: str
    number: int
    arguments: tuple[int | bytes, ...]
    errno: int
    paths: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    program: str = ""
    message: str = ""

    @property
    def code(self) -> str:
        """The name of its errno, as EPERM."""
        return errno.errorcode.get(self.errno, str(self.errno))

    @property
    def reason(self) -> str:
        """The text of its errno."""
        return os.strerror(self.errno)

    @property
    def path(self) -> str:
        """The first of its paths, empty if it has none."""
        return self.paths[0] if self.paths else ""


def decoded(entered: Entered, name: str, number: int) -> RefusedCall:
    """Read the arguments of a call from the memory of its process; ``number`` is its errno."""
    arguments: list[int | bytes] = []
    paths: list[str] = []
    shown: list[str] = []
    letters = SIGNATURES.get(name, "i" * 6)
    for place, letter in enumerate(letters):
        word = entered.arguments[place]
        before = letters[place - 1] if place else ""
        match letter:
            case "i":
                arguments.append(signed(word))
            case "f":
                arguments.append(_descriptor(word))
            case "d":
                # The path behind it becomes absolute.
                arguments.append(k.AT_FDCWD)
            case "p":
                directory = _descriptor(entered.arguments[place - 1])
                at = directory if before == "d" else k.AT_FDCWD
                paths.append(_absolute(entered, at, entered.string(word)))
                arguments.append(os.fsencode(paths[-1]))
            case "s":
                arguments.append(entered.string(word))
            case "n":
                arguments.append(0)
            case "B":
                arguments.append(entered.memory(word, STRUCTURE))
            case _:
                size = min(entered.arguments[int(letter)], LONGEST)
                arguments.append(entered.memory(word, size))
        if letter != "d":
            shown.append(_shown(arguments[-1], letter))
    status = procfs.status(entered.pid)
    return RefusedCall(
        name=name,
        number=entered.number,
        arguments=tuple(arguments),
        errno=number,
        paths=tuple(paths),
        shown=tuple(shown),
        program=status.name if status else "",
    )


def _shown(argument: int | bytes, letter: str) -> str:
    if letter in "ps" and isinstance(argument, bytes):
        return f'"{procfs.text(argument)}"'
    if letter == "n":
        return "..."
    if isinstance(argument, bytes):
        printable = argument.isascii() and argument.decode().isprintable()
        return f'"{argument.decode()}"' if printable and letter != "B" else "{...}"
    return str(argument) if abs(argument) < 1 << 16 else hex(argument)


def _descriptor(word: int) -> int:
    (number,) = _INT.unpack(struct.pack("I", word & 0xFFFFFFFF))
    return int(number)


def _absolute(entered: Entered, directory: int, path: bytes) -> str:
    text = procfs.text(path)
    if text.startswith("/"):
        return without_extra_slashes(text)
    where = "cwd" if directory == k.AT_FDCWD else f"fd/{directory}"
    try:
        base = str(Path(f"/proc/{entered.pid}/{where}").readlink())
    except OSError:
        base = "/"
    return os.path.normpath(f"{base}/{text}") if text else base


def without_extra_slashes(path: str) -> str:
    """Return an absolute path without . and .. and double slashes."""
    # normpath(3) keeps two slashes at the beginning, as POSIX wants it; for Linux they are one.
    return os.path.normpath(f"/{path.lstrip('/')}")
