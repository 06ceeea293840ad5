"""Timing: medians of calls that take turns, so that a busy machine slows all of them."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping


def side_by_side(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Call every action in turn, ``rounds`` times; return the median of each in ms.

    An action that returns a float has taken its own time, in seconds.  One turn before is
    not counted: it pays for caches and imports.
    """
    times: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds + 1):
        for name, action in actions.items():
            started = time.perf_counter()
            own = action()
            taken = own if isinstance(own, float) else time.perf_counter() - started
            if number:
                times[name].append(taken)
    return {name: statistics.median(found) * 1000 for name, found in times.items()}


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
