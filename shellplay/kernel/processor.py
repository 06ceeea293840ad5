"""Keep this thread and a process on one processor while they take turns."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_libc = ctypes.CDLL(None)


@contextmanager
def shared(pid: int) -> Iterator[set[int] | None]:
    """Keep a process and this thread on the processor of this thread for the block.

    Each remote call is two wake-ups, and to wake an idle processor takes longer than the
    call.  Yields the processors that the process may use otherwise, which a copy of it
    has to get back, too; None if nothing was changed.
    """
    ours = os.sched_getaffinity(0)
    if len(ours) == 1 or not _has(pid, ours):
        yield None
        return
    here = {_libc.sched_getcpu()}
    try:
        os.sched_setaffinity(0, here)
        allow(pid, here)
        yield ours
    finally:
        allow(pid, ours)
        os.sched_setaffinity(0, ours)


def allow(pid: int, processors: set[int]) -> None:
    """Let a process use some processors, sched_setaffinity(2); nothing if it has ended."""
    with suppress(ProcessLookupError, PermissionError):
        os.sched_setaffinity(pid, processors)


def _has(pid: int, processors: set[int]) -> bool:
    # A process with other processors than ours has them by taskset(1) or by a cpuset; a
    # mask that is set back would outlast the cpuset.
    try:
        return os.sched_getaffinity(pid) == processors
    except OSError:
        return False
