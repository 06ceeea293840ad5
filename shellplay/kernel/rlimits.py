"""Read and set resource limits of processes, prlimit(2)."""

from __future__ import annotations

import resource
import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache

from shellplay.kernel import procfs
from shellplay.kernel.here import HERE
from shellplay.model import Value

UNLIMITED = 2**64 - 1
RLIMIT = struct.Struct("=QQ")
# The names in prlimit(1) and in Docker, and the names in /proc/PID/limits.
LINES = {
    "core": "Max core file size",
    "cpu": "Max cpu time",
    "data": "Max data size",
    "fsize": "Max file size",
    "memlock": "Max locked memory",
    "msgqueue": "Max msgqueue size",
    "nice": "Max nice priority",
    "nofile": "Max open files",
    "nproc": "Max processes",
    "rss": "Max resident set",
    "rtprio": "Max realtime priority",
    "rttime": "Max realtime timeout",
    "sigpending": "Max pending signals",
    "stack": "Max stack size",
}

# The original values of the limits that this process has raised.
_original: dict[str, Range] = {}


class Range(Value):
    """A soft limit, which the kernel enforces, and a hard limit, the maximum for the soft."""

    soft: int
    hard: int

    def __str__(self) -> str:
        soft, hard = (
            "unlimited" if each == UNLIMITED else str(each) for each in (self.soft, self.hard)
        )
        return soft if soft == hard else f"{soft}:{hard}"


@lru_cache(16)  # Many processes have the same limits.
def parse_limits(content: bytes) -> dict[str, Range]:
    """Parse a limits file, proc_pid_limits(5)."""
    found = {}
    lines = procfs.text(content).splitlines()
    for name, title in LINES.items():
        line = next((each for each in lines if each.startswith(title + " ")), None)
        if line is not None:
            soft, hard = line[len(title) :].split()[:2]
            found[name] = Range(_number(soft), _number(hard))
    return found


def limits(pid: int | str) -> Mapping[str, Range] | None:
    """Read the limits of a process by name; None if it has ended.

    For ``self`` a limit has the value from before ``raise_soft_limit``.
    """
    content = procfs.read(pid, "limits")
    if not content:
        return None
    return parse_limits(content) | (_original if pid == "self" else {})


def raise_soft_limit(name: str) -> Range:
    """Raise a soft limit of this process to the hard limit; return the original limits."""
    kind = getattr(resource, f"RLIMIT_{name.upper()}")
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (hard, hard))
    # RLIM_INFINITY is -1 in Python.
    return _original.setdefault(name, Range(soft % (UNLIMITED + 1), hard % (UNLIMITED + 1)))


def with_original_nofile(argv: Sequence[str | bytes]) -> list[str | bytes]:
    """Return a command that runs ``argv`` with the original soft limit of open files."""
    original = _original.get("nofile")
    if original is None or resource.getrlimit(resource.RLIMIT_NOFILE)[0] == original.soft:
        return list(argv)
    soft = str(original).partition(":")[0]
    # sh sets the limit: a process with threads must run no Python between fork and exec.
    return ["/bin/sh", "-c", f'ulimit -S -n {soft}; exec "$@"', "sh", *argv]


def prlimit(pid: int, name: str, wanted: Range) -> None:
    """Set a limit of a process, prlimit(2); raise KernelError if it is refused."""
    kind = f"RLIMIT_{name.upper()}"
    HERE.call(
        "prlimit64", pid, getattr(resource, kind), RLIMIT.pack(wanted.soft, wanted.hard), None,
        subject=f"{kind} {wanted}", shown=[str(pid), kind, f"{{{wanted}}}", "NULL"],
        same_as=f"prlimit --pid {pid} --{name}={wanted}",
    )  # fmt: skip


def _number(word: str) -> int:
    return UNLIMITED if word == "unlimited" else int(word)
