"""The rlimit fence: the resource limits of a process, see getrlimit(2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shellplay.errors import KernelError, UsageError
from shellplay.fences.base.fence import option
from shellplay.fences.base.limit import Limit
from shellplay.kernel import procfs, rlimits
from shellplay.kernel.capabilities import has
from shellplay.kernel.rlimits import LINES, UNLIMITED, Range
from shellplay.model import Value

if TYPE_CHECKING:
    from shellplay.fences.base.target import Target

NUMBER = r"([0-9]{1,30})([KMG]?)"
UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
# The limits that are shown of a process without a limit.
TOLD = ("nofile", "nproc")
# Bash needs descriptors for its terminal, a script and a pipe.
FILES_OF_BASH = 8
COUNT, BYTES, SECONDS = "COUNT[:HARD]", "BYTES[:HARD]", "SECONDS[:HARD]"


class Limits(Value):
    """The limits of a process, as pairs of a name and a range."""

    ranges: tuple[tuple[str, Range], ...]

    def told(self, names: tuple[str, ...]) -> str:
        """Return some of the limits as text."""
        return ", ".join(f"{name} {each}" for name, each in self.ranges if name in names)


class Rlimit(Limit, kind="rlimit", man="getrlimit(2)"):
    """Limits what each process may use: open files, file sizes, CPU time.

    A limit is ``SOFT:HARD``; a single number sets both.  A process may raise its soft limit
    up to the hard limit by itself (ulimit).  Numbers are like ``64``, ``10M`` or
    ``unlimited``; sizes are in bytes.  A new process inherits the limits, and each process
    counts for itself.  nproc counts all processes of the user in one user namespace, and
    does not limit root of the host.
    """

    trial = "in ulimit -a"

    core: str | None = option("the size of a core file", host=None, metavar=BYTES, default=None)
    cpu: str | None = option("CPU time", host=None, metavar=SECONDS, default=None)
    data: str | None = option("memory for data", host=None, metavar=BYTES, default=None)
    fsize: str | None = option(
        "the size of a file that it writes", host=None, metavar=BYTES, default=None
    )
    memlock: str | None = option(
        "memory that is locked against swapping", host=None, metavar=BYTES, default=None
    )
    msgqueue: str | None = option(
        "bytes in the message queues of its user", host=None, metavar=BYTES, default=None
    )
    nice: str | None = option(
        "the highest priority, as 20 minus nice", host=None, metavar=COUNT, default=None
    )
    nofile: str | None = option(
        "open files: one more than the highest descriptor",
        host=None,
        metavar=COUNT,
        default=None,
    )
    nproc: str | None = option(
        "the processes of its user", host=None, metavar=COUNT, default=None
    )
    rss: str | None = option(
        "memory in use (Linux ignores it)", host=None, metavar=BYTES, default=None
    )
    rtprio: str | None = option(
        "the highest real-time priority", host=None, metavar=COUNT, default=None
    )
    rttime: str | None = option(
        "microseconds of real-time CPU time without a pause",
        host=None,
        metavar=COUNT,
        default=None,
    )
    sigpending: str | None = option(
        "queued signals of its user", host=None, metavar=COUNT, default=None
    )
    stack: str | None = option("the size of the stack", host=None, metavar=BYTES, default=None)

    def _check(self) -> None:
        if not self.wanted():
            raise UsageError("fence rlimit: say what is limited", "as in nofile=64")
        if self.nofile is not None and self.wanted()["nofile"].soft < FILES_OF_BASH:
            raise UsageError(f"fence rlimit: bash itself needs {FILES_OF_BASH} open files")

    def wanted(self) -> dict[str, Range]:
        """Return the limits of the options by name."""
        texts = {name: getattr(self, name) for name in LINES}
        return {name: _range(name, text) for name, text in texts.items() if text is not None}

    @classmethod
    def fact(cls, pid: int | str) -> Limits | None:
        """Return the limits of a process."""
        found = rlimits.limits(pid)
        return None if found is None else Limits(tuple(found.items()))

    @classmethod
    def describe(cls, fact: object, *, other: object) -> str | None:
        """Return the limits that differ as text; if none does, nofile and nproc."""
        if not isinstance(fact, Limits):
            return None
        others = other.ranges if isinstance(other, Limits) else fact.ranges
        differ = tuple(name for name, each in fact.ranges if (name, each) not in others)
        return fact.told(differ or TOLD)

    def observed(self, pid: int | str) -> bool:
        """Return whether a process has the limits of the options."""
        found = rlimits.limits(pid) or {}
        return all(found.get(name) == wanted for name, wanted in self.wanted().items())

    def apply(self, target: Target) -> None:
        """Set the limits; if one fails, restore those before it."""
        pid, before = target.pid, rlimits.limits(target.pid) or {}
        done: list[str] = []
        try:
            for name, wanted in self.wanted().items():
                rlimits.prlimit(pid, name, wanted)
                done.append(name)
        except KernelError:
            for name in done:
                rlimits.prlimit(pid, name, before[name])
            raise

    def remove(self, target: Target) -> None:
        """Set the limits to those of the host."""
        host = rlimits.limits("self") or {}
        for name in self.wanted():
            rlimits.prlimit(target.pid, name, host[name])

    def liftable(self, pid: int) -> bool:
        """Return whether this process may raise the hard limits of a process again."""
        status, now = procfs.status("self"), rlimits.limits(pid) or {}
        if status is not None and has(status.effective, "sys_resource"):
            return True
        return all(wanted.hard >= now[name].hard for name, wanted in self.wanted().items())


def _range(name: str, text: str) -> Range:
    soft, colon, hard = text.partition(":")
    found = Range(_number(name, soft), _number(name, hard if colon else soft))
    if found.soft > found.hard:
        raise UsageError(f"fence rlimit: the soft limit {name}={text} is above the hard one")
    return found


def _number(name: str, word: str) -> int:
    if word == "unlimited":
        return UNLIMITED
    match = re.fullmatch(NUMBER, word, re.IGNORECASE)
    if match is None:
        raise UsageError(
            f"fence rlimit: {name}: {word!r} is not a number", "64, 10M or unlimited"
        )
    number = int(match[1]) * UNITS[match[2].lower()]
    if number >= UNLIMITED:
        raise UsageError(f"fence rlimit: {name}: {word} is above all limits", "unlimited")
    return number
