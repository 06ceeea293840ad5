"""The proc fence: a fresh /proc in which Docker's secrets are hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shellplay.fences.base.mount_over import MountOver, hide, mounts_at
from shellplay.kernel import mount
from shellplay.model import Value

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller

# The paths that Docker hides and makes read-only, moby daemon/pkg/oci/defaults.go.
MASKED = (
    *("acpi", "asound", "interrupts", "kcore", "keys", "latency_stats", "sched_debug", "scsi"),
    *("timer_list", "timer_stats"),
)
READ_ONLY = ("bus", "fs", "irq", "sys", "sysrq-trigger")


class Shown(Value):
    """How many paths in /proc are hidden, and how many are read-only."""

    hidden: int
    fixed: int

    @property
    def less(self) -> bool:
        """Whether any path is hidden or read-only."""
        return bool(self.hidden or self.fixed)

    def __str__(self) -> str:
        return f"{self.hidden} hidden, {self.fixed} read-only" if self.less else "all of it"


class Proc(MountOver, kind="proc", man="proc(5)"):
    """Covers the secrets and the switches of the kernel in /proc, as Docker does.

    It mounts a new /proc, which shows the processes inside.  kcore, keys and more are
    hidden; /proc/sys and sysrq-trigger are read-only.  It needs ``pid``: each process in
    /proc must be inside.
    """

    trial = "in cat /proc/timer_list"

    inside = ("mnt", "pid")
    target = "/proc"

    def contents(self, pid: int) -> str:
        """Say how much of /proc is covered."""
        return f"/proc: {self.fact(pid)}"

    @classmethod
    def fact(cls, pid: int | str) -> Shown:
        """Return how much of the /proc of a process is hidden and read-only."""
        below = mounts_at(pid, cls.target)[1:]
        fixed = sum(each.point[6:] in READ_ONLY and "ro" in each.options for each in below)
        return Shown(sum(each.point[6:] in MASKED for each in below), fixed)

    @classmethod
    def fenced(cls, mine: object, host: object) -> bool:
        """Return whether more of it is hidden or read-only than on the host."""
        return isinstance(mine, Shown) and mine.less and mine != host

    def mount(self, caller: Caller, terminal: str) -> None:
        """Mount a fresh one over it, and cover what Docker covers."""
        caller.mount("proc", self.target, "proc", mount.QUIET)
        hidden, read_only = (
            [f"{self.target}/{name}" for name in names] for names in (MASKED, READ_ONLY)
        )
        hide(caller, hidden, read_only)
