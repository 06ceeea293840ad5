"""Processors, memory and users of this machine, read by psutil.

To load psutil takes longer than to apply a fence, so this module is imported when needed.
"""

from __future__ import annotations

from typing import NamedTuple

import psutil


class Processors(NamedTuple):
    """The number of processors online, the number that this process may use, and the load.

    ``load`` is the mean number of runnable processes over the last minute.
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
    """Return the processors and the load, sched_getaffinity(2), proc_loadavg(5)."""
    usable = len(psutil.Process().cpu_affinity())
    return Processors(psutil.cpu_count() or usable, usable, psutil.getloadavg()[0])


def memory() -> Memory:
    """Return the memory and swap space, proc_meminfo(5)."""
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return Memory(memory.total, memory.available, swap.total, swap.free)


def sessions() -> int:
    """Return the number of login sessions, utmp(5)."""
    return len(psutil.users())


def user() -> str:
    """Return the name of the real user of this process, or its UID if it has no name."""
    return psutil.Process().username()
