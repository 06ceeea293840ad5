"""User, processor time, memory and start time of processes, read by psutil.

To load psutil takes longer than to apply a fence, so this module is imported when needed.
"""

from __future__ import annotations

import pwd
import time
from collections.abc import Iterable
from typing import NamedTuple

import psutil

from shellplay.model import ProcessDetails

UNKNOWN = ProcessDetails(None, None, None, None)
DETAILS = ["uids", "cpu_times", "memory_info", "create_time"]


def details(pids: Iterable[int]) -> dict[int, ProcessDetails]:
    """Return the details for the long listing of ``ps``, by PID.

    All fields are None for a process that has ended.  A field that this user may not read is
    None.
    """
    # psutil before 7.1 caches the boot time, and the clock may have been set since.
    booted = psutil.boot_time()
    users: dict[int, str] = {}
    return {pid: _details(pid, booted, users) for pid in pids}


class Sum(NamedTuple):
    """A number of processes, their resident memory in bytes, and their processor time."""

    processes: int
    memory: int
    cpu_seconds: float


def summed(pids: Iterable[int]) -> Sum:
    """Return the sums over processes; values that this user may not read do not count.

    A shared page counts for each process.  The time of a reaped child counts for its parent.
    """
    processes, memory, seconds = 0, 0, 0.0
    for pid in pids:
        try:
            found = psutil.Process(pid).as_dict(["cpu_times", "memory_info"])
        except psutil.NoSuchProcess:
            continue
        processes += 1
        if found["memory_info"] is not None:
            memory += found["memory_info"].rss
        if (times := found["cpu_times"]) is not None:
            seconds += times.user + times.system + times.children_user + times.children_system
    return Sum(processes, memory, seconds)


def _details(pid: int, booted: float, users: dict[int, str]) -> ProcessDetails:
    try:
        found = psutil.Process(pid).as_dict(DETAILS)
    except psutil.NoSuchProcess:
        return UNKNOWN
    uids, times, memory = found["uids"], found["cpu_times"], found["memory_info"]
    started = found["create_time"]
    if uids is not None and uids.effective not in users:
        users[uids.effective] = _user(uids.effective)
    percent = None
    if times is not None and started is not None:
        # The boot time is exact to one second only.  ``started`` contains the same error, so
        # the difference does not.
        lived = time.clock_gettime(time.CLOCK_BOOTTIME) - (started - booted)
        percent = 100 * (times.user + times.system) / lived if lived > 0 else 0.0
    return ProcessDetails(
        user=None if uids is None else users[uids.effective],
        cpu_percent=percent,
        memory=None if memory is None else memory.rss,
        started=started,
    )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
