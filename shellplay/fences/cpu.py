"""The cpu fence: how much time of the processors all of it gets."""

from __future__ import annotations

import os

from shellplay.errors import UsageError
from shellplay.fences.base.cgroup_limit import CgroupLimit, needed
from shellplay.fences.base.fence import option
from shellplay.kernel.cgroup import hierarchies

PERIOD_MICROSECONDS = 100_000
LEAST_MICROSECONDS = 1_000
# The kernel takes somewhat more; no machine has so many processors.
MOST_MICROSECONDS = 10_000 * PERIOD_MICROSECONDS


class Cpu(CgroupLimit, kind="cpu", man="cgroups(7)"):
    """Limits the CPU time of the whole container, in every 100 ms.

    ``cpu 0.5`` is half a CPU, ``cpu 2`` is two of them.  /proc/cpuinfo still lists all
    CPUs, and older programs count them there.
    """

    trial = "stats"

    beside = ("cpuacct",)

    cpus: str | None = option(
        "the number of CPUs, as in 0.5", host=None, metavar="NUMBER", bare=True, default=None
    )

    period: str | None = option(
        "the time in which it counts, in microseconds",
        host=None, metavar="NUMBER", default=None,
    )  # fmt: skip

    def _check(self) -> None:
        self._quota()

    @property
    def _period(self) -> int:
        text = self.period or str(PERIOD_MICROSECONDS)
        if not text.isdecimal() or len(text) > 7 or not 1000 <= int(text) <= 1_000_000:
            raise UsageError(f"fence cpu: period={text} is not from 1000 to 1000000")
        return int(text)

    def _quota(self) -> int:
        text = needed(self.kind, self.cpus, "0.5")
        try:
            quota = round(float(text) * self._period)
        except (ValueError, OverflowError):
            quota = 0
        if not LEAST_MICROSECONDS <= quota <= MOST_MICROSECONDS:
            raise UsageError(
                f"fence cpu: {text!r} is not a number from 0.01 to 10000", "as in 0.5"
            )
        return quota

    def remarks(self) -> tuple[str, ...]:
        """Say that the machine has no more than the limit."""
        count = os.cpu_count() or 0
        if not count or self._quota() < count * self._period:
            return ()
        cpus = "1 CPU" if count == 1 else f"{count} CPUs"
        return (f"this machine has {cpus}, so a limit of {self.cpus} takes nothing away",)

    @classmethod
    def limit_of(cls, directory: str) -> str | None:
        """Return the limit of a cgroup."""
        unified = hierarchies.read(directory, "cpu.max")
        if unified is None:
            quota = hierarchies.read(directory, "cpu.cfs_quota_us") or "-1"
            period = hierarchies.read(directory, "cpu.cfs_period_us") or ""
        else:
            quota, period = unified.split()
        if quota in ("max", "-1"):
            return None
        return f"{int(quota) / int(period):g}"

    def files(self, version: int, directory: str) -> dict[str, str]:
        """Return the texts to write by file name."""
        if version == 2:
            return {"cpu.max": f"{self._quota()} {self._period}"}
        return {
            "cpu.cfs_period_us": str(self._period),
            "cpu.cfs_quota_us": str(self._quota()),
        }

    def freed(self, version: int, directory: str) -> dict[str, str]:
        """Return the texts that lift the limit by file name."""
        return {"cpu.max": "max"} if version == 2 else {"cpu.cfs_quota_us": "-1"}
