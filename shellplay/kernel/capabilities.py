"""Names of capabilities, and sets of capabilities as bit masks, capabilities(7)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from shellplay.kernel.procfs import Status
from shellplay.model import Value

# linux/capability.h, in the order of the numbers.
NAMES: tuple[str, ...] = (
    *("chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid"),
    *("setuid", "setpcap", "linux_immutable", "net_bind_service", "net_broadcast"),
    *("net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio"),
    *("sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice"),
    *("sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write"),
    *("audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm"),
    *("block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore"),
)


class Sets(Value):
    """The five capability sets of a process, each a bit mask."""

    inheritable: int
    permitted: int
    effective: int
    bounding: int
    ambient: int

    @classmethod
    def of(cls, status: Status) -> Sets:
        """Return the sets in a status."""
        return cls(
            inheritable=status.inheritable,
            permitted=status.permitted,
            effective=status.effective,
            bounding=status.bounding,
            ambient=status.ambient,
        )

    def __str__(self) -> str:
        """Say how many of the capabilities of this kernel the process could ever get."""
        return f"{self.bounding.bit_count()} of {last() + 1}"


@cache
def last() -> int:
    """Return the number of the last capability that this kernel knows."""
    with open("/proc/sys/kernel/cap_last_cap") as file:
        return int(file.read())


def name_of(number: int) -> str:
    """Return the name of a capability, or its number if ``NAMES`` does not have it."""
    return NAMES[number] if number < len(NAMES) else str(number)


def mask(names: Iterable[str]) -> int:
    """Return the set of the named capabilities; raise ValueError for an unknown name."""
    return sum(1 << NAMES.index(name) for name in set(names))


def has(capabilities: int, name: str) -> bool:
    """Tell whether a set contains a capability."""
    return bool(capabilities >> NAMES.index(name) & 1)
