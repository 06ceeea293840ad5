"""The caller that is this process: its system calls go through the C library's syscall(2)."""

from __future__ import annotations

import ctypes
import os
from contextlib import nullcontext

from shellplay.kernel.architecture import native
from shellplay.kernel.caller import Argument, Caller, Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Here(Caller):
    """This process, through the C library's syscall(2)."""

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
        """Give the process a duplicate of our descriptor for the block."""
        return nullcontext(fd)

    def forked(self, flags: int = 0) -> AbstractContextManager[tuple[Caller, int]]:
        """Fork the process for the block."""
        # This process has threads and open terminals: a copy of it would share them.
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
            header.leads_to = text  # type: ignore[attr-defined] # and keeps it
            return header
        case _:
            return argument
