"""The time fence: offsets for the boot and monotonic clocks."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from shellplay.errors import KernelError, UsageError
from shellplay.fences.base.fence import option
from shellplay.fences.base.namespace import Namespace
from shellplay.kernel import procfs
from shellplay.kernel.namespaces import open_namespace
from shellplay.kernel.proc_write import write_file

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "": 1}
# Only the last number may lack its unit: there is one way to read it, however long it is.
DURATION = r"([+-]?)(?=.)((?:[0-9]{1,18}[smhdw])*(?:[0-9]{1,18})?)"


class Time(Namespace, kind="time", man="time_namespaces(7)", aliases=("clock",)):
    """Moves the clocks that count from the start of the host.

    The time of day stays the host's.  Offsets are like ``+10d``, ``-1h30m``, ``90``.
    """

    trial = "in cat /proc/uptime"

    clone_takes_it = False
    # To enter the namespace it passes a descriptor, and must know its number.
    blind = False

    boot: str | None = option(
        "offset of the clock since boot", host=None, metavar="+10d", default=None
    )
    monotonic: str | None = option(
        "offset of the monotonic clock", host=None, metavar="+1h", default=None
    )

    def _check(self) -> None:
        self._offsets()

    def contents(self, pid: int) -> str:
        """Say by how much each clock is moved, as the kernel has it."""
        lines = (procfs.read(pid, "timens_offsets") or b"").decode().splitlines()
        clocks = [line.split() for line in lines]
        moved = [f"{name} {_spelled(int(offset))}" for name, offset, _ in clocks if int(offset)]
        return ", ".join(moved) or "the clocks are not moved"

    def unshare(self, caller: Caller) -> None:
        """Make a namespace, set its clocks, and enter it."""
        super().unshare(caller)
        # unshare(2) puts later children into the new namespace only.  Its offsets can be set
        # until the first process enters it, so the caller enters it after that.
        try:
            self._set_clocks(caller)
        except KernelError:
            self._enter(caller, "time")
            raise
        self._enter(caller, "time_for_children")

    def _set_clocks(self, caller: Caller) -> None:
        offsets = self._offsets()
        if offsets:
            lines = "".join(f"{clock} {seconds} 0\n" for clock, seconds in offsets.items())
            write_file(caller.pid, "timens_offsets", lines)

    def _enter(self, caller: Caller, name: str) -> None:
        fd = open_namespace(caller.pid, name)
        try:
            self.enter(caller, fd, of=f"/proc/{caller.pid}/ns/{name}")
        finally:
            os.close(fd)

    def _offsets(self) -> dict[str, int]:
        given = {"boottime": self.boot, "monotonic": self.monotonic}
        return {clock: seconds(text) for clock, text in given.items() if text is not None}


def _spelled(offset: int) -> str:
    for unit in "dhms":
        if offset % UNITS[unit] == 0:
            break
    return f"{offset // UNITS[unit]:+d}{unit}"


def seconds(text: str) -> int:
    """Return the seconds of a duration like ``+1d12h`` or ``-90``; raises UsageError."""
    match = re.fullmatch(DURATION, text)
    if match is None:
        raise UsageError(f"{text!r} is not a duration", "like +10d, -1h30m or 90")
    parts = re.findall("([0-9]+)([smhdw]?)", match[2])
    total = sum(int(number) * UNITS[unit] for number, unit in parts)
    return -total if match[1] == "-" else total
