"""Read and write five variables of a bash: its PID, its process groups and its terminal.

Bash exports these variables for loadable builtins.
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
# The entry of the auxiliary vector with the address of the program headers, getauxval(3).
AT_PHDR = 3


class BashMemory:
    """The five variables of one stopped bash, by their addresses."""

    def __init__(self, tracee: Tracee, addresses: Mapping[str, int]) -> None:
        self._tracee = tracee
        self._addresses = addresses

    @classmethod
    def of(cls, tracee: Tracee) -> Self:
        """Find the variables of a bash.

        Raises Refused if this bash does not export them, ShellGone if it has ended.
        """
        headers = procfs.auxiliary(tracee.pid).get(AT_PHDR)
        if headers is None:
            raise ShellGone(f"the bash {tracee.pid} has ended")
        symbols = symbols_of(tracee.pid)
        # The kernel moves a position-independent program as a whole; a fixed program stays.
        shift = headers - symbols.headers
        return cls(tracee, {name: shift + value for name, value in symbols.values.items()})

    def copied_to(self, copy: Tracee) -> Self:
        """Return the variables of a fork of this bash; the addresses are the same."""
        return type(self)(copy, self._addresses)

    def set_pid(self, pid: int) -> None:
        """Set the PID ($$) and the process groups to ``pid``."""
        for name in (GROUP, *OTHER_GROUPS, PID):
            self._tracee.write_memory(self._addresses[name], INTEGER.pack(pid))

    @property
    def terminal(self) -> int:
        """The descriptor of the controlling terminal."""
        return self._read(TERMINAL)

    def set_terminal(self, number: int) -> None:
        """Set the descriptor of the controlling terminal."""
        self._tracee.write_memory(self._addresses[TERMINAL], INTEGER.pack(number))

    def take_foreground(self) -> None:
        """Make the group of the bash the foreground group of its terminal."""
        # The call reads the variable of bash, so it needs no scratch memory.
        group = self._addresses[GROUP]
        self._tracee.set_foreground(self.terminal, self._read(GROUP), at=group)

    def _read(self, name: str) -> int:
        content = self._tracee.read_memory(self._addresses[name], INTEGER.size)
        return int(INTEGER.unpack(content)[0])
