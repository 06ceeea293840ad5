"""The rows of the benchmark, and the Markdown table that they make."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

HEAD = "| what | shellplay | beside it | ratio | budget | met |\n|---|---:|---:|---:|---:|---|"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: medians in ``unit``, ours and a peer's.

    ``budget`` is the largest ratio of ours to the peer's that is allowed, or the smallest
    if ``more_is_better``; None promises nothing.  ``peer`` is None if there is no peer, and
    then ``budget`` is a bound on ours itself.
    """

    what: str
    ours: float
    unit: str
    peer_name: str = ""
    peer: float | None = None
    budget: float | None = None
    _: KW_ONLY
    more_is_better: bool = False

    @property
    def measure(self) -> float:
        """What the budget bounds: the ratio, or our value where there is no peer."""
        return self.ours / self.peer if self.peer else self.ours

    @property
    def met(self) -> bool | None:
        """Whether the budget is kept; None if there is none."""
        if self.budget is None:
            return None
        if self.more_is_better:
            return self.measure >= self.budget
        return self.measure <= self.budget

    def markdown(self) -> str:
        """Return the row as a line of a table."""
        number = f"{self.ours:.3g} {self.unit}"
        peer = f"{self.peer:.3g} {self.unit} ({self.peer_name})" if self.peer else "-"
        ratio = f"{self.measure:.2f}" if self.peer else "-"
        sign = "≥" if self.more_is_better else "≤"
        unit = "x" if self.peer else f" {self.unit}"
        budget = "-" if self.budget is None else f"{sign} {self.budget:g}{unit}"
        met = {None: "-", True: "yes", False: "**no**"}[self.met]
        return f"| {self.what} | {number} | {peer} | {ratio} | {budget} | {met} |"


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
