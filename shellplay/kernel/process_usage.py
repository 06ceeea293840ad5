"""What the kernel counts of a process, read by psutil: user, processor time, memory, start.

psutil takes longer to load than a fence to apply, so this file is imported when first used.
"""

from __future__ import annotations

import pwd
import time
from collections.abc import Iterable

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
