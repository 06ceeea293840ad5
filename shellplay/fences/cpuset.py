"""The cpuset fence: on which processors it runs."""

from __future__ import annotations

import os
import re

from shellplay.errors import KernelError, Refused, UsageError
from shellplay.fences.base.cgroup_limit import CgroupLimit, needed
from shellplay.fences.base.fence import option
from shellplay.kernel.cgroup import hierarchies

LIST = "[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*"


class Cpuset(CgroupLimit, kind="cpuset", man="cpuset(7)"):
    """Runs the container on these CPUs only; nproc inside counts only them.

    ``cpuset 0``, ``cpuset 0-1`` or ``cpuset 0,2``.  /proc/cpuinfo still lists all CPUs.
    """

    trial = "in nproc"

    cpus: str | None = option(
        "the CPUs, as in 0-1", host=None, metavar="LIST", bare=True, default=None
    )

    def _check(self) -> None:
        text = needed(self.kind, self.cpus, "0")
        if not re.fullmatch(LIST, text):
            raise UsageError(f"fence cpuset: {text!r} is not a list of processors", "as in 0-1")

    @classmethod
    def limit_of(cls, directory: str) -> str | None:
        """Return the processors of a cgroup, None if it has all of the one above it."""
        own = hierarchies.read(directory, "cpuset.cpus") or None
        return None if own and _numbers(own) == _numbers(_above(directory)) else own

    def files(self, version: int, directory: str) -> dict[str, str]:
        """Return what to write; raises Refused if that would be no limit."""
        every, text = _above(directory), self.cpus or ""
        if _numbers(text) == _numbers(every):
            raise Refused(f"cpuset: {text} is all there are", "name fewer")
        return {"cpuset.cpus": text}

    def freed(self, version: int, directory: str) -> dict[str, str]:
        """Return what to write to have no limit: a cgroup with processes cannot have none."""
        return {"cpuset.cpus": _above(directory)}

    def why(self, error: KernelError) -> str:
        """Return why the kernel refuses a value."""
        with open("/sys/devices/system/cpu/online") as file:
            online = file.read().strip()
        return f"the processors here are {online}"


def _above(directory: str) -> str:
    """Return the processors that a cgroup can have; none for that at the top."""
    names = ("cpuset.cpus.effective", "cpuset.effective_cpus")
    texts = (hierarchies.read(os.path.dirname(directory), name) for name in names)
    return next(filter(None, texts), "")


def _numbers(text: str) -> set[int]:
    ranges = [part.partition("-") for part in text.split(",") if part]
    return {n for first, _, last in ranges for n in range(int(first), int(last or first) + 1)}
