"""Families of processes, by psutil: a process with all its descendants, and their end.

They are told by PID and start, so a PID that is given out again is nobody of a family.
"""

from __future__ import annotations

import psutil

from tests.waiting import wait_until


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all its descendants."""
    ancestor = psutil.Process(pid)
    return [ancestor, *ancestor.children(recursive=True)]


def runs(process: psutil.Process) -> bool:
    """Tell whether a process has not ended; its adoptive parent may leave a zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for_the_end(processes: list[psutil.Process], *, timeout: float = 10.0) -> None:
    """Wait until none of them runs; raises AssertionError after so many seconds."""
    wait_until(
        lambda: not any(map(runs, processes)), f"the end of {processes}", timeout=timeout
    )
