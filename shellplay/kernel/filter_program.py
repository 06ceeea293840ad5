"""The program of a seccomp filter, as the kernel takes it (seccomp(2))."""

from __future__ import annotations

import struct

# struct sock_fprog and struct sock_filter of linux/filter.h.
SOCK_FPROG = struct.Struct("HxxxxxxQ")
INSTRUCTION_SIZE = 8


class Program:
    """The instructions of a seccomp filter, passed to the kernel in a struct sock_fprog."""

    def __init__(self, instructions: bytes) -> None:
        self.instructions = instructions

    def header(self, address: int) -> bytes:
        """Return the struct sock_fprog for instructions at ``address``."""
        return SOCK_FPROG.pack(len(self.instructions) // INSTRUCTION_SIZE, address)
