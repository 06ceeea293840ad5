"""Read and write five variables of a bash: its PID, its process groups and its terminal.

Bash keeps its process group, its PID and its terminal in variables that it exports for
loadable builtins; their addresses are in the ELF dynamic symbol table.  A bash without
them (stripped, or static) cannot be forked for a fence.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from typing import NamedTuple, Self

from shellplay.errors import Refused, ShellGone
from shellplay.kernel import procfs
from shellplay.kernel.tracee import Tracee

TYPE_CHECKING = False
if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

GROUP = "shell_pgrp"
OTHER_GROUPS = ("terminal_pgrp", "original_pgrp")
PID = "dollar_dollar_pid"
TERMINAL = "shell_tty"
INTEGER = struct.Struct("i")
# The entry of the auxiliary vector that says where the program headers are, getauxval(3).
AT_PHDR = 3


class BashMemory:
    """The five variables of one stopped bash, by their addresses."""

    def __init__(self, tracee: Tracee, addresses: Mapping[str, int]) -> None:
        self._tracee = tracee
        self._addresses = addresses

    @classmethod
    def of(cls, tracee: Tracee) -> Self:
        """Find the variables of a bash; raise Refused if it does not have them."""
        headers = procfs.auxiliary(tracee.pid).get(AT_PHDR)
        if headers is None:
            raise ShellGone(f"the bash {tracee.pid} has ended")
        symbols = _symbols_of(tracee.pid)
        # A position-independent program is moved as a whole, a fixed one not at all.
        shift = headers - symbols.headers
        return cls(tracee, {name: shift + value for name, value in symbols.values.items()})

    def copied_to(self, copy: Tracee) -> Self:
        """Return the variables of a fork of this bash: the addresses are the same."""
        return type(self)(copy, self._addresses)

    def become(self, pid: int) -> None:
        """Make the bash know itself as ``pid``: group, $$ and all."""
        for name in (GROUP, *OTHER_GROUPS, PID):
            self._tracee.write_memory(self._addresses[name], INTEGER.pack(pid))

    def come_to_front(self) -> None:
        """Let the bash make its group the one in front on its terminal."""
        # Bash's own variable is what the call reads: so no memory has to be mapped for it.
        group = self._addresses[GROUP]
        self._tracee.set_foreground(self._read(TERMINAL), self._read(GROUP), at=group)

    def _read(self, name: str) -> int:
        content = self._tracee.read_memory(self._addresses[name], INTEGER.size)
        return int(INTEGER.unpack(content)[0])


class _Symbols(NamedTuple):
    """Addresses in a program before it is loaded: of its headers, and of the variables."""

    headers: int
    values: Mapping[str, int]


# Of each program, by its device, inode and time of change.
_known: dict[tuple[int, int, int], _Symbols] = {}


def _symbols_of(pid: int) -> _Symbols:
    path = f"/proc/{pid}/exe"
    found = os.stat(path)
    program = (found.st_dev, found.st_ino, found.st_mtime_ns)
    if program not in _known:
        _known[program] = _symbols(path)
    return _known[program]


def _symbols(path: str) -> _Symbols:
    from elftools.elf.elffile import ELFFile
    from elftools.elf.hash import GNUHashSection

    with open(path, "rb") as file:
        elf = ELFFile(file)
        table = elf.get_section_by_name(".gnu.hash")
        names = (GROUP, *OTHER_GROUPS, PID, TERMINAL)
        lookup = table.get_symbol if isinstance(table, GNUHashSection) else lambda _: None
        symbols = {name: lookup(name) for name in names}
        missing = [name for name, symbol in symbols.items() if symbol is None]
        if missing:
            raise Refused(
                f"this bash does not export {missing[0]}, so it cannot be forked for a fence",
                "set live off",
            )
        values = {name: symbol["st_value"] for name, symbol in symbols.items() if symbol}
        return _Symbols(_headers(elf), values)


def _headers(elf: ELFFile) -> int:
    """Return the address of the program headers: they are in a part that is loaded."""
    offset: int = elf.header.e_phoff
    part = next(
        each
        for each in elf.iter_segments("PT_LOAD")
        if 0 <= offset - each.header.p_offset < each.header.p_filesz
    )
    return int(part.header.p_vaddr + offset - part.header.p_offset)
