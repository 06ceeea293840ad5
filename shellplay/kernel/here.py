"""The caller of this process: it makes its calls by syscall(2)."""

from __future__ import annotations

import ctypes
import os
from contextlib import nullcontext

from shellplay.kernel.architecture import native
from shellplay.kernel.caller import Argument, Caller
from shellplay.kernel.filter_program import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Here(Caller):
    """This process; it calls syscall(2) of the C library."""

    remote = False

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.syscall.restype = ctypes.c_long

    def syscall(self, name: str, *arguments: Argument) -> int:
        """Make one call and return its raw result."""
        converted = [_converted(each) for each in arguments]
        number = ctypes.c_long(native().number(name))
        result = int(self._libc.syscall(number, *converted))
        return -ctypes.get_errno() if result == -1 else result

    def passed(self, fd: int) -> AbstractContextManager[int]:
        """Yield ``fd`` itself: this process has it already."""
        return nullcontext(fd)

    def forked(self, flags: int = 0) -> AbstractContextManager[tuple[Caller, int]]:
        """Raise NotImplementedError."""
        # A copy of this process would have no threads, and share its terminals.
        raise NotImplementedError("this process never forks itself; ask for a stub")


HERE = Here()


def _converted(argument: Argument) -> object:
    match argument:
        case bytearray():
            return (ctypes.c_char * len(argument)).from_buffer(argument)
        case int():
            return ctypes.c_long(argument)
        case Program():
            text = ctypes.create_string_buffer(argument.instructions)
            header = ctypes.create_string_buffer(argument.header(ctypes.addressof(text)))
            # The reference keeps the instructions in memory as long as the header.
            header.instructions = text  # type: ignore[attr-defined]
            return header
        case _:
            return argument
