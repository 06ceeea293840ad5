"""Find and end every descendant of a process, also while they go on forking."""

from __future__ import annotations

import os
import signal
import time
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
    stats = [procfs.stat(pid) for pid in descendants(ancestor)]
    return [each.pid for each in stats if each is not None and each.state not in "ZX"]


def end_descendants(ancestor: int) -> None:
    """Kill and reap all descendants of this process until none is left.

    A process that may not be killed (a set-user-ID program) is given up after five
    seconds.  ``ancestor`` must be this process, or one whose orphans come to it.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while found := descendants(ancestor):
        # Stop all before killing any: a process that forks in between would be missed in
        # this round; the loop finds it in the next one, but a fork bomb must not win.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in found:
                _send(pid, number)
        if not _reap_until_quiet(deadline):
            return


def kill_quietly(pid: int) -> None:
    """Kill a process; that it has ended already, or is not ours to end, is no error."""
    _send(pid, signal.SIGKILL)


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _reap_until_quiet(deadline: float) -> bool:
    """Reap children; return False if there is nothing left that we could end."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            time.sleep(0.001)
            return time.monotonic() < deadline
