"""Counters of a cgroup: use, throttling and kills, of version 1 and 2.

Each function takes a directory, and returns None if the cgroup has no such counter.
"""

from __future__ import annotations

from shellplay.kernel.cgroup.hierarchies import counters, read

SERVICE_V1 = "blkio.throttle.io_service_bytes"


def number(directory: str | None, *names: str) -> int | None:
    """Return the number in the first file that exists and has a number."""
    for name in names:
        text = read(directory, name) if directory else None
        if text is not None and text.isdigit():
            return int(text)
    return None


def memory(directory: str | None) -> int | None:
    """Return the bytes of memory in use."""
    return number(directory, "memory.current", "memory.usage_in_bytes")


def memory_peak(directory: str | None) -> int | None:
    """Return the most bytes of memory that were ever in use."""
    return number(directory, "memory.peak", "memory.max_usage_in_bytes")


def oom_kills(directory: str | None) -> int | None:
    """Return the number of processes that the kernel has killed because of memory."""
    return _count(directory, "oom_kill", "memory.events", "memory.oom_control")


def processes(directory: str | None) -> int | None:
    """Return the number of processes and threads."""
    return number(directory, "pids.current")


def forks_refused(directory: str | None) -> int | None:
    """Return the number of forks that failed because of the limit of processes."""
    return _count(directory, "max", "pids.events")


def cpu_seconds(cpu: str | None, cpuacct: str | None) -> float | None:
    """Return the processor time in seconds; version 1 counts it in ``cpuacct``."""
    microseconds = _count(cpu, "usage_usec", "cpu.stat")
    if microseconds is not None:
        return microseconds / 1e6
    nanoseconds = number(cpuacct, "cpuacct.usage")
    return None if nanoseconds is None else nanoseconds / 1e9


def throttled_seconds(directory: str | None) -> float | None:
    """Return the seconds of throttling, the sum over all processors."""
    microseconds = _count(directory, "throttled_usec", "cpu.stat")
    if microseconds is not None:
        return microseconds / 1e6
    nanoseconds = _count(directory, "throttled_time", "cpu.stat")
    return None if nanoseconds is None else nanoseconds / 1e9


def transferred(directory: str | None) -> tuple[int, int] | None:
    """Return the bytes read from disks and the bytes written to disks."""
    if directory is None:
        return None
    unified = read(directory, "io.stat")
    if unified is not None:
        pairs = [word.split("=") for word in unified.split() if "=" in word]
        return _summed(pairs, "rbytes"), _summed(pairs, "wbytes")
    lines = [line.split()[1:] for line in (read(directory, SERVICE_V1) or "").splitlines()]
    return _summed(lines, "Read"), _summed(lines, "Write")


def _summed(pairs: list[list[str]], key: str) -> int:
    return sum(int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0] == key)


def _count(directory: str | None, key: str, *names: str) -> int | None:
    found = [counters(directory, name).get(key) for name in names] if directory else []
    return next((each for each in found if each is not None), None)
