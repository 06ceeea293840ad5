"""What a bash remembers about who it is: five numbers that a forked copy must relearn.

Bash keeps its process group, its PID and its terminal in variables that it exports for
loadable builtins; their addresses are in the ELF dynamic symbol table.  A bash without
them (stripped, or static) cannot be forked for a fence.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path

from shellplay.errors import Refused
from shellplay.kernel.tracee import Tracee

GROUPS = ("shell_pgrp", "terminal_pgrp", "original_pgrp")
PID = "dollar_dollar_pid"
TERMINAL = "shell_tty"
INTEGER = struct.Struct("i")


class BashMemory:
    """The five variables of one stopped bash; raises Refused if it does not have them."""

    def __init__(self, tracee: Tracee) -> None:
        program = Path(f"/proc/{tracee.pid}/exe")
        found = program.stat()
        offsets = _offsets(str(program), found.st_dev, found.st_ino)
        base = _load_address(tracee.pid, found.st_ino)
        self._addresses = {name: base + offset for name, offset in offsets.items()}
        self._tracee = tracee

    @property
    def terminal(self) -> int:
        """The descriptor of bash's terminal."""
        return self._read(TERMINAL)

    @property
    def group(self) -> int:
        """The process group of the shell, as bash knows it."""
        return self._read("shell_pgrp")

    def become(self, copy: Tracee, pid: int) -> None:
        """Make ``copy``, a fork of this bash, know itself as ``pid``: group, $$ and all."""
        for name in (*GROUPS, PID):
            copy.write_memory(self._addresses[name], INTEGER.pack(pid))

    def _read(self, name: str) -> int:
        content = self._tracee.read_memory(self._addresses[name], INTEGER.size)
        return int(INTEGER.unpack(content)[0])


@lru_cache(maxsize=8)
def _offsets(program: str, device: int, inode: int) -> dict[str, int]:
    # ``program`` is opened once; device and inode are what the answer is remembered by.
    from elftools.elf.elffile import ELFFile
    from elftools.elf.hash import GNUHashSection

    with Path(program).open("rb") as file:
        table = ELFFile(file).get_section_by_name(".gnu.hash")
        names = (*GROUPS, PID, TERMINAL)
        lookup = table.get_symbol if isinstance(table, GNUHashSection) else lambda _: None
        symbols = {name: lookup(name) for name in names}
    missing = [name for name, symbol in symbols.items() if symbol is None]
    if missing:
        raise Refused(
            f"this bash does not export {missing[0]}, so it cannot be forked for a fence",
            "set live off",
        )
    return {name: symbol["st_value"] for name, symbol in symbols.items() if symbol}


def _load_address(pid: int, inode: int) -> int:
    with Path(f"/proc/{pid}/maps").open() as maps:
        for line in maps:
            fields = line.split()
            if int(fields[4]) == inode and int(fields[2], 16) == 0:
                # Position-independent: symbol values count from here.  A fixed program
                # starts at its own address, which its symbols include already.
                start = int(fields[0].split("-")[0], 16)
                return 0 if start == 0x400000 else start
    raise Refused(f"the program of process {pid} is not mapped", "set live off")
