"""What this machine is made of and who uses it, read by psutil.

psutil takes longer to load than a fence to apply, so this file is imported when first used.
"""

from __future__ import annotations

from typing import NamedTuple

import psutil


class Processors(NamedTuple):
    """How many processors are online, how many this process may use, and the load.

    ``load`` is the mean number of processes that want one, over the last minute.
    """

    online: int
    usable: int
    load: float


class Memory(NamedTuple):
    """Memory and swap space in bytes; ``available`` can be used without swapping."""

    total: int
    available: int
    swap_total: int
    swap_free: int


def processors() -> Processors:
    """Return the processors, see sched_getaffinity(2) and proc_loadavg(5)."""
    usable = len(psutil.Process().cpu_affinity())
    return Processors(psutil.cpu_count() or usable, usable, psutil.getloadavg()[0])


def memory() -> Memory:
    """Return the memory, see proc_meminfo(5)."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return Memory(memory.total, memory.available, swap.total, swap.free)


def sessions() -> int:
    """Return how many sessions of users are logged in, see utmp(5)."""
    return len(psutil.users())


def user() -> str:
    """Return the name of the real user of this process, or the number of one without."""
    return psutil.Process().username()
