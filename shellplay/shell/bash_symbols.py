"""The addresses of variables that bash exports, from its ELF dynamic symbol table.

A bash without these symbols (stripped, or static) cannot be forked for a fence.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from io import BytesIO

from shellplay.directories import base_directory
from shellplay.errors import Refused
from shellplay.kernel import private_files
from shellplay.model import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

GROUP = "shell_pgrp"
OTHER_GROUPS = ("terminal_pgrp", "original_pgrp")
PID = "dollar_dollar_pid"
TERMINAL = "shell_tty"
NAMES = (GROUP, *OTHER_GROUPS, PID, TERMINAL)
# A bash has 1.5 MB, and with its debugging symbols 6.
LARGEST = 8 << 20
# What pyelftools raises beside its own error, and what we raise for a file without segments.
MALFORMED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
ADDRESSES = struct.Struct(f"={1 + len(NAMES)}Q")


class Symbols(Value):
    """Addresses in a program file: of its program headers, and of the variables by name."""

    headers: int
    values: Mapping[str, int]


# The symbols of each program, by inode, size and times of its file.
_known: dict[str, Symbols] = {}


def symbols_of(pid: int) -> Symbols:
    """Return the addresses in the program of a process; raise Refused if one is missing."""
    path = f"/proc/{pid}/exe"
    found = os.stat(path)
    # Without the device number, because each mount of an overlay has a new one.
    program = f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"
    if program not in _known:
        # A sealed copy of bash has no name, and no later process sees it.
        _known[program] = _kept(path, program) if found.st_nlink else _read(path)
    return _known[program]


def _kept(path: str, program: str) -> Symbols:
    """Return the addresses from the cache file, or read them by pyelftools, which is slow."""
    cache = base_directory("XDG_CACHE_HOME", ".cache")
    file = cache and os.path.join(cache, "bash", program)
    content = private_files.load(file, ADDRESSES.size + 1) if file else None
    if content is not None and len(content) == ADDRESSES.size:
        headers, *values = ADDRESSES.unpack(content)
        return Symbols(headers, dict(zip(NAMES, values, strict=True)))
    symbols = _read(path)
    if file:
        private_files.save(file, ADDRESSES.pack(symbols.headers, *symbols.values.values()))
    return symbols


def _read(path: str) -> Symbols:
    """Read the addresses from a file, which may be one of an image that means harm."""
    from elftools.common.exceptions import ELFError

    with open(path, "rb") as file:
        content = file.read(LARGEST + 1)
    unread = Refused("the symbols of this bash cannot be read", "set live off")
    if len(content) > LARGEST:
        raise unread
    try:
        return _parsed(content)
    except (ELFError, *MALFORMED) as error:
        raise unread from error


def _parsed(content: bytes) -> Symbols:
    from elftools.elf.elffile import ELFFile
    from elftools.elf.hash import GNUHashSection

    with BytesIO(content) as file:
        elf = ELFFile(file)
        table = elf.get_section_by_name(".gnu.hash")
        lookup = table.get_symbol if isinstance(table, GNUHashSection) else lambda _: None
        symbols = {name: lookup(name) for name in NAMES}
        missing = [name for name, symbol in symbols.items() if symbol is None]
        if missing:
            raise Refused(
                f"this bash does not export {missing[0]}, so it cannot be forked for a fence",
                "set live off",
            )
        values = {name: symbol["st_value"] for name, symbol in symbols.items() if symbol}
        return Symbols(_headers(elf), values)


def _headers(elf: ELFFile) -> int:
    """Return the address of the program headers, which are inside a PT_LOAD segment."""
    offset: int = elf.header.e_phoff
    for each in elf.iter_segments("PT_LOAD"):
        if 0 <= offset - each.header.p_offset < each.header.p_filesz:
            return int(each.header.p_vaddr + offset - each.header.p_offset)
    raise ValueError("no segment has the program headers")
