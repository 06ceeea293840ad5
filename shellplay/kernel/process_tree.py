"""Find and kill all descendants of a process, even while they fork."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress

from shellplay.kernel import procfs

PATIENCE_SECONDS = 5.0


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


def end_descendants(ancestor: int) -> None:
    """Kill and reap all descendants of a process until none is left.

    We may not kill a set-user-ID program, so the function returns after five seconds then.
    ``ancestor`` must be this process, or a process whose orphans this process inherits.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while found := descendants(ancestor):
        end_all(found)
        if not _reap_until_quiet(deadline):
            return


def end_all(pids: Iterable[int]) -> None:
    """Stop and kill some processes; a child that was forked meanwhile needs another round."""
    # A stopped process cannot fork; a fork bomb would always have another child otherwise.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            _send(pid, number)


def kill_quietly(pid: int) -> None:
    """Kill a process; it is not an error if it has ended or if we may not kill it."""
    _send(pid, signal.SIGKILL)


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


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
