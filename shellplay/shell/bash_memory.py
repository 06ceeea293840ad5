"""Read and write five variables of a bash: its PID, its process groups and its terminal.

Bash keeps its process group, its PID and its terminal in variables that it exports for
loadable builtins.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Self

from shellplay.errors import ShellGone
from shellplay.kernel import procfs
from shellplay.kernel.tracee import Tracee
from shellplay.shell.bash_symbols import GROUP, OTHER_GROUPS, PID, TERMINAL, symbols_of

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
        symbols = symbols_of(tracee.pid)
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
