"""What the kernel counts of a process, read by psutil: user, processor time, memory, start.

psutil takes longer to load than a fence to apply, so this file is imported when first used.
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
    """Return what ps(1) shows of processes in its long listing, by PID.

    A process that has ended, or that this user may not read, has None in every field.
    """
    # psutil before 7.1 remembers the boot time, and the clock may have been set since.
    booted = psutil.boot_time()
    users: dict[int, str] = {}
    return {pid: _details(pid, booted, users) for pid in pids}


class Sum(NamedTuple):
    """How many processes there are, and what they use together.

    Resident memory is in bytes, processor time in seconds.
    """

    processes: int
    memory: int
    cpu_seconds: float


def summed(pids: Iterable[int]) -> Sum:
    """Return the sums over processes, of those that are there and that this user may read.

    A page that several processes share counts in each of them.  The time of a child that
    has ended counts with the parent that waited for it.
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
        # The boot time is known to a second only.  It is in both, so it drops out.
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
