"""What a container uses, and what its limits have done to it, as its cgroups count it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shellplay.fences import REGISTRY
from shellplay.fences.base.cgroup_limit import Held
from shellplay.kernel.cgroup import stats as counted
from shellplay.kernel.cgroup.group import Group
from shellplay.kernel.cgroup.hierarchies import having
from shellplay.model import Usage

if TYPE_CHECKING:
    from shellplay.container.container import Container


def of(box: Container) -> Usage:
    """Return what a container has used since its cgroups were made."""
    names = ("memory", "cpu", "cpuacct", "pids", "io")
    memory, cpu, cpuacct, pids, io = (box.group.directory(having(name)) for name in names)
    moved = counted.transferred(io)
    inside = counted.processes(pids)
    return Usage(
        container=box.label,
        paused=box.group.frozen,
        processes=len(box.members()) if inside is None else inside,
        pids_limit=_limit(box, "pids"),
        forks_refused=counted.forks_refused(pids),
        memory=counted.memory(memory),
        memory_peak=counted.memory_peak(memory),
        memory_limit=_limit(box, "memory"),
        oom_kills=counted.oom_kills(memory),
        cpu_seconds=counted.cpu_seconds(cpu, cpuacct),
        cpu_limit=_limit(box, "cpu"),
        throttled_seconds=counted.throttled_seconds(cpu),
        read=moved[0] if moved else None,
        written=moved[1] if moved else None,
        io_limit=_limit(box, "io"),
        cpuset=_limit(box, "cpuset"),
    )


class OomKills:
    """The processes of a container that the kernel has killed for want of memory."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._told = 0

    def news(self, label: str) -> str | None:
        """Say how many were killed since the last time; None if none was."""
        total = counted.oom_kills(self._group.directory(having("memory"))) or 0
        told, self._told = self._told, total
        # A cgroup that was made anew counts from 0.
        killed = total - told if total >= told else total
        if not killed:
            return None
        what = "a process" if killed == 1 else f"{killed} processes"
        return f"{label}: out of memory, so the kernel has killed {what} (limit memory)"


def _limit(box: Container, kind: str) -> str | None:
    fact = REGISTRY[kind].fact(box.pid)
    host = REGISTRY[kind].fact("self")
    up = isinstance(fact, Held) and REGISTRY[kind].fenced(fact, host)
    return fact.value if up and isinstance(fact, Held) else None
