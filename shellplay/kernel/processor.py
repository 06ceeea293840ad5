"""Keep this thread and a process on one processor, sched_setaffinity(2)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_libc = ctypes.CDLL(None)


@contextmanager
def on_one_processor(pid: int) -> Iterator[set[int] | None]:
    """Keep a process and this thread on the processor of this thread for the block.

    Each remote call has two wake-ups, and to wake an idle processor takes longer than the
    call.  Yields the old processors of the process, None if they stay as they are.  The block
    gives them back to the process, and to each copy of it, unless it fails.
    """
    ours = os.sched_getaffinity(0)
    if len(ours) == 1 or not _has(pid, ours):
        yield None
        return
    here = {_libc.sched_getcpu()}
    try:
        os.sched_setaffinity(0, here)
        set_processors(pid, here)
        yield ours
    except BaseException:
        set_processors(pid, ours)
        raise
    finally:
        os.sched_setaffinity(0, ours)


def set_processors(pid: int, processors: set[int]) -> None:
    """Set the processors of a process, sched_setaffinity(2); it may have ended."""
    with suppress(ProcessLookupError, PermissionError):
        os.sched_setaffinity(pid, processors)


def _has(pid: int, processors: set[int]) -> bool:
    # taskset(1) or a cpuset gave the process other processors than ours.  We leave it alone:
    # a mask that we restore would stay when the cpuset ends.
    try:
        return os.sched_getaffinity(pid) == processors
    except OSError:
        return False
