"""The rows of the benchmark, and their Markdown table."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path

from tests.bench.clock import Spent

HEAD = (
    "| what | shellplay | CPU | beside it | CPU | ratio | slowest | budget | met |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---|"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: medians in ``unit``, ours and a peer's; CPU times in ms.

    ``budget`` is the largest ratio of ours to the peer's that is allowed, or the smallest
    if ``more_is_better``; None promises nothing.  ``peer`` is None if there is no peer, and
    then ``budget`` is a bound on ours itself; if it has a name, it is not installed.
    ``slowest`` is the measure of the slowest run if there were several.
    """

    what: str
    ours: float
    unit: str
    peer_name: str = ""
    peer: float | None = None
    budget: float | None = None
    _: KW_ONLY
    cpu: float | None = None
    peer_cpu: float | None = None
    more_is_better: bool = False
    slowest: float | None = None

    @classmethod
    def of(
        cls, what: str, ours: Spent, name: str, peer: Spent | None, budget: float | None = None
    ) -> Row:
        """Return the row of two times in ms; without ``peer`` that is not installed."""
        wall, cpu = peer or (None, None)
        return cls(what, ours.wall, "ms", name, wall, budget, cpu=ours.cpu, peer_cpu=cpu)

    @property
    def missing(self) -> bool:
        """Whether there is a peer that is not installed here."""
        return bool(self.peer_name) and self.peer is None

    @property
    def measure(self) -> float:
        """The value that the budget limits: the ratio, or our value if there is no peer."""
        return self.ours / self.peer if self.peer else self.ours

    @property
    def met(self) -> bool | None:
        """Whether the budget is kept, in the slowest run too; None if that is not known."""
        if self.budget is None or self.missing:
            return None
        measure = self.measure if self.slowest is None else self.slowest
        return measure >= self.budget if self.more_is_better else measure <= self.budget

    def markdown(self) -> str:
        """Return the row as a line of a table."""
        peer = f"{self.peer:.3g} {self.unit} ({self.peer_name})" if self.peer else "-"
        sign = "≥" if self.more_is_better else "≤"
        unit = "x" if self.peer_name else f" {self.unit}"
        slowest = "-" if self.slowest is None or self.missing else f"{self.slowest:.2f}"
        cells = (
            self.what,
            f"{self.ours:.3g} {self.unit}",
            _milliseconds(self.cpu),
            f"{self.peer_name} is not installed" if self.missing else peer,
            _milliseconds(self.peer_cpu),
            f"{self.measure:.2f}" if self.peer else "-",
            slowest,
            "-" if self.budget is None else f"{sign} {self.budget:.3g}{unit}",
            {None: "-", True: "yes", False: "**no**"}[self.met],
        )
        return f"| {' | '.join(cells)} |"


def _milliseconds(cpu: float | None) -> str:
    return "-" if cpu is None else f"{cpu:.3g} ms"


def merged(runs: list[list[Row]]) -> list[Row]:
    """Return the rows of several runs as one: the medians, and the slowest measure."""
    if len(runs) == 1:
        return runs[0]
    return [_one_of(list(rows)) for rows in zip(*runs, strict=True)]


def _one_of(rows: list[Row]) -> Row:
    first = rows[0]
    worst = min if first.more_is_better else max
    return replace(
        first,
        ours=statistics.median(each.ours for each in rows),
        peer=_median(each.peer for each in rows),
        cpu=_median(each.cpu for each in rows),
        peer_cpu=_median(each.peer_cpu for each in rows),
        slowest=worst(each.measure for each in rows),
    )


def _median(found: Iterable[float | None]) -> float | None:
    known = [each for each in found if each is not None]
    return statistics.median(known) if known else None


def machine() -> str:
    """Return the date and the kind of machine in one sentence."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"{datetime.date.today().isoformat()}, {platform.machine()}, {os.cpu_count()} x "
        f"{models[0] if models else 'unknown processor'}, {pages / 2**30:.0f} GiB, "
        f"Linux {platform.release()}, Python {platform.python_version()}, "
        f"{'root' if os.geteuid() == 0 else 'an ordinary user'}, "
        f"load {os.getloadavg()[0]:.1f} at the start{_scheduling()}."
    )


def _scheduling() -> str:
    if os.sched_getscheduler(0) == os.SCHED_OTHER:
        return ""
    return ", all programs measured before those of others (chrt -f 1)"


def table(rows: Iterable[Row]) -> str:
    """Return all rows as a Markdown table."""
    return "\n".join([HEAD, *(row.markdown() for row in rows)])
