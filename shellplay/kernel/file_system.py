"""The type of the file system that a descriptor is of, statfs(2)."""

from __future__ import annotations

import struct

from shellplay.kernel.here import HERE

# struct statfs; its first word is the type.
SIZE, WORD = 120, struct.Struct("l")
# Of linux/magic.h.
DEVPTS, PROC = 0x1CD1, 0x9FA0


def kind_of(fd: int) -> int:
    """Return the type of the file system of an open file, as in linux/magic.h."""
    buffer = bytearray(SIZE)
    HERE.call("fstatfs", fd, buffer, subject=f"fd {fd}")
    return int(WORD.unpack_from(buffer)[0])
