"""Timing: medians of calls that take turns, so that a busy machine slows all of them.

CPU time is that of this process and of all that it starts, see ``usage``; it tells of work that
another processor does meanwhile, and hardly of what else the machine has to do.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.delegation import own_directories


class Spent(NamedTuple):
    """The wall time and the CPU time of something; in seconds, or in ms once it is a median."""

    wall: float
    cpu: float


class Watch:
    """Tells what was spent since it was made."""

    def __init__(self) -> None:
        self._cpu = usage()
        self._wall = time.perf_counter()

    def spent(self) -> Spent:
        """Return the seconds so far."""
        wall = time.perf_counter() - self._wall
        return Spent(wall, usage() - self._cpu)


def usage() -> float:
    """Return the CPU seconds of the cgroup of this program, of its children if it has none."""
    # The kernel counts what a process has used when that gives its processor away.
    os.sched_yield()
    account = _account()
    if account is None:
        people = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(each.ru_utime + each.ru_stime for each in people)
    words = account.read_text().split()
    return int(words[0]) / 1e9 if len(words) == 1 else int(words[1]) / 1e6


@cache
def _account() -> Path | None:
    """Return the file that counts for our cgroups, see tests.delegation; None without them."""
    for each in own_directories():
        v1, v2 = each / "cpuacct.usage", each / "cpu.stat"
        if v1.exists():
            return v1
        if v2.exists() and v2.read_text().startswith("usage_usec"):
            return v2
    return None


def side_by_side(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Spent]:
    """Call every action in turn, ``rounds`` times; return the median of each in ms.

    An action that returns a Spent has taken its own time.  One turn before is not counted: it
    pays for caches and imports.
    """
    found: dict[str, list[Spent]] = {name: [] for name in actions}
    for number in range(rounds + 1):
        for name, action in actions.items():
            watch = Watch()
            own = action()
            spent = own if isinstance(own, Spent) else watch.spent()
            if number:
                found[name].append(spent)
    return {name: median(each) for name, each in found.items()}


def median(found: list[Spent]) -> Spent:
    """Return the median of wall time and of CPU time, in ms."""
    walls, cpus = zip(*found, strict=True)
    return Spent(statistics.median(walls) * 1000, statistics.median(cpus) * 1000)


def program(*command: str, environment: Mapping[str, str] = os.environ) -> Callable[[], None]:
    """Return an action that runs a program to its end, its output thrown away.

    Raises RuntimeError if it fails; a failed program must not look fast.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    actions = [(os.POSIX_SPAWN_DUP2, null, stream) for stream in (0, 1, 2)]

    def run() -> None:
        pid = os.posix_spawnp(command[0], command, environment, file_actions=actions)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status:
            raise RuntimeError(f"{' '.join(command)} ended with {status}")

    return run
