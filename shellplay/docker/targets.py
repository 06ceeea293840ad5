"""The places at which ``run`` mounts something inside."""

from __future__ import annotations

from pathlib import Path
from posixpath import normpath

from shellplay.errors import UsageError
from shellplay.kernel.mount import target_path

# Only these are mounted over, as runc does: other files there are the kernel's view of inside.
PROC_FILES = tuple(
    f"/proc/{name}"
    for name in (
        *("cpuinfo", "diskstats", "loadavg", "meminfo", "net/dev", "slabinfo", "stat"),
        *("swaps", "uptime", "sys/kernel/ns_last_pid", "sys/crypto/fips_enabled"),
    )
)


def mount_target(text: str, source: Path | None = None) -> str:
    """Return a target as Docker cleans it: ``/a/../b`` is ``/b``.

    ``source`` is the file of the host that is mounted there.  Raises UsageError.
    """
    cleaned = normpath(text) if text.startswith("/") else text
    target = target_path(cleaned)
    of_proc = target == "/proc" and source == Path("/proc")
    if (f"{target}/".startswith("/proc/") and target not in PROC_FILES) and not of_proc:
        raise UsageError(
            f"{target} is not a place to mount at: the kernel shows processes there",
            "another target",
        )
    return target
