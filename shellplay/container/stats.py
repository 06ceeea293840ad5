"""The usage of a container.

Its cgroups count both.  Where there is none yet, it is summed up over the processes.
"""

from __future__ import annotations

from collections.abc import Sequence

from shellplay.container.state import ContainerState
from shellplay.fences import REGISTRY
from shellplay.fences.base.cgroup_limit import Held
from shellplay.kernel.cgroup import stats as counted
from shellplay.kernel.cgroup.hierarchies import having
from shellplay.model import Usage, Value


def of(state: ContainerState, pids: Sequence[int] | None = None) -> Usage:
    """Return what a container uses, see ``Usage``.

    ``pids`` are the host PIDs of its processes; without them it is its bashes with all
    their descendants.
    """
    names = ("memory", "cpu", "cpuacct", "pids", "io")
    memory, cpu, cpuacct, tasks, io = (state.group.directory(having(name)) for name in names)
    used, summed = _used(
        _Counted(
            counted.processes(tasks), counted.memory(memory), counted.cpu_seconds(cpu, cpuacct)
        ),
        state.members() if pids is None else pids,
    )
    moved = counted.transferred(io)
    return Usage(
        container=state.label,
        paused=state.group.frozen,
        processes=used.processes or 0,
        pids_limit=_limit(state, "pids"),
        forks_refused=counted.forks_refused(tasks),
        memory=used.memory,
        memory_peak=counted.memory_peak(memory),
        memory_limit=_limit(state, "memory"),
        oom_kills=counted.oom_kills(memory),
        cpu_seconds=used.cpu_seconds,
        cpu_limit=_limit(state, "cpu"),
        throttled_seconds=counted.throttled_seconds(cpu),
        read=moved[0] if moved else None,
        written=moved[1] if moved else None,
        io_limit=_limit(state, "io"),
        cpuset=_limit(state, "cpuset"),
        summed=summed,
    )


class _Counted(Value):
    """What cgroups count and processes can be asked for, None where no cgroup counts."""

    processes: int | None
    memory: int | None
    cpu_seconds: float | None


def _used(found: _Counted, pids: Sequence[int]) -> tuple[_Counted, tuple[str, ...]]:
    """Fill in what no cgroup counts with sums over processes; return the names of these."""
    missing = tuple(name for name, value in vars(found).items() if value is None)
    if not missing:
        return found, ()
    # psutil takes longer to load than a fence to apply, so it is loaded when first used.
    from shellplay.kernel.process_usage import summed

    sums = summed(pids)._asdict()
    return found.changed(**{name: sums[name] for name in missing}), missing


def _limit(state: ContainerState, kind: str) -> str | None:
    fact = REGISTRY[kind].fact(state.pid)
    host = REGISTRY[kind].fact("self")
    up = isinstance(fact, Held) and REGISTRY[kind].fenced(fact, host)
    return fact.value if up and isinstance(fact, Held) else None
