"""Find and kill all descendants of a process, even while they fork."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

from shellplay.kernel import procfs

PATIENCE_SECONDS = 5.0
MOMENT_SECONDS = 0.0005
# The list of children misses some while others end (task/TID/children in proc(5)).
QUIET_LOOKS = 5


def descendants(ancestor: int) -> list[int]:
    """Return the PIDs of all descendants of a process, parents before children."""
    found: list[int] = []
    waiting = [ancestor]
    while waiting:
        children = procfs.children(waiting.pop())
        found += children
        waiting += children
    return found


def running(ancestor: int) -> list[int]:
    """Return the PIDs of the descendants of a process that have not ended."""
    return list(filter(runs, descendants(ancestor)))


def runs(pid: int) -> bool:
    """Tell whether a process has not ended; a zombie has."""
    stat = procfs.stat(pid)
    return stat is not None and stat.state not in "ZX"


def end_descendants(ancestor: int) -> list[int]:
    """Kill and reap all descendants of a process until none is left.

    Returns those that still run after five seconds: we may not kill a set-user-ID program.
    ``ancestor`` must be this process, or a process whose orphans this process inherits.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        end_until_quiet(lambda: procfs.children(ancestor))
        if not _reap_until_quiet(deadline):
            return running(ancestor)


def end_until_quiet(
    find: Callable[[], Iterable[int]],
    spared: Collection[int] = (),
    seconds: float = PATIENCE_SECONDS,
) -> tuple[set[int], set[int]]:
    """End what ``find`` returns, and the descendants of that, until none appears any more.

    ``spared`` are not ended, but their descendants are.  Returns the PIDs of those that have
    ended, and of those that still run: after so many seconds, or because we may not kill them.
    """
    ended: set[int] = set()
    refused: set[int] = set()
    # Zombies, and what we may not kill: no signal changes them.
    settled: set[int] = set()
    found: set[int] = set()
    quiet, deadline = 0, time.monotonic() + seconds
    while quiet < QUIET_LOOKS and time.monotonic() < deadline:
        seen = _stop_all(find(), spared, settled, refused)
        found = seen - settled - refused - {*spared}
        for pid in found:
            kill_quietly(pid)
        quiet = 0 if found else quiet + 1
        if found and found <= ended:
            time.sleep(MOMENT_SECONDS)
        ended |= found
        # A PID that has left the tree can be that of another process by now.
        settled = (settled & seen) | refused | {pid for pid in found if not runs(pid)}
    left = {pid for pid in found | refused if runs(pid)}
    return ended - left, left


def _stop_all(
    roots: Iterable[int], spared: Collection[int], settled: set[int], refused: set[int]
) -> set[int]:
    """Stop processes and their descendants, and return all of them; note the refused ones.

    A stopped process cannot fork.  The newest are stopped first: of a program that forks and
    ends all the time, the last one alone is alive.
    """
    seen: set[int] = set()
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        if pid in seen:
            continue
        seen.add(pid)
        if pid in settled:
            continue
        if pid not in spared:
            try:
                os.kill(pid, signal.SIGSTOP)
            except ProcessLookupError:
                continue
            except PermissionError:
                refused.add(pid)
        waiting += procfs.children(pid)
    return seen


def kill_quietly(pid: int) -> None:
    """Kill a process; it is not an error if it has ended or if we may not kill it."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _reap_until_quiet(deadline: float) -> bool:
    """Reap the ended children; return False if there are no children, or after the deadline."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            time.sleep(0.001)
            return time.monotonic() < deadline
