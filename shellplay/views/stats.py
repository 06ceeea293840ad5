"""stats: what each container uses, beside its limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shellplay.model import Usage
from shellplay.views.drawing import Column, Fragment, Table
from shellplay.views.sanitize import safe_line

COLUMNS = (
    Column("NAME", limit=24),
    Column("PIDS", keep=3, right=True),
    Column("REFUSED", keep=2, right=True),
    Column("MEMORY", keep=4, right=True),
    Column("PEAK", keep=0, right=True),
    Column("OOM KILLS", keep=3, right=True),
    Column("CPU", keep=4, right=True),
    Column("THROTTLED", keep=2, right=True),
    Column("READ/WRITTEN", keep=1, right=True),
)
UNITS = ("B", "K", "M", "G", "T")
NOBODY = "the rest is counted once it is limited"
SUMMED = "~ is a sum over the processes, and exact once it is limited (help stats)"
ALWAYS = 2
NOTHING = "-"


def table(usages: Sequence[Usage]) -> Table:
    """Draw the use of containers, each ``use / limit``.

    What nobody counts is a ``-``, or is left out if it is counted of none of them.  A ``~``
    is before memory and processor time that are sums over processes.
    """
    rows = [_row(each) for each in usages]
    shown = [
        number
        for number in range(len(COLUMNS))
        if number < ALWAYS or any(row[number][1] != NOTHING for row in rows)
    ]
    return Table(
        [COLUMNS[number] for number in shown],
        [[row[number] for number in shown] for row in rows],
        below=[[("ansibrightblack", hint)] for hint in _hints(usages)],
    )


def size(number: int | None) -> str:
    """Return bytes in the unit that fits: 12.5M."""
    if number is None:
        return NOTHING
    amount, unit = float(number), 0
    while amount >= 1024 and unit < len(UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f}{UNITS[unit]}" if unit else f"{number}B"


def _hints(usages: Sequence[Usage]) -> Iterator[str]:
    if any({"memory", "cpu_seconds"}.intersection(each.summed) for each in usages):
        yield SUMMED
    elif any(None in (each.memory, each.cpu_seconds, each.read) for each in usages):
        yield NOBODY


def _row(usage: Usage) -> list[Fragment]:
    name = safe_line(usage.container) + (" (paused)" if usage.paused else "")
    moved = f"{size(usage.read)}/{size(usage.written)}" if usage.read is not None else NOTHING
    killed = "ansired" if usage.oom_kills else ""
    return [
        ("bold", name),
        ("", _of(str(usage.processes), usage.pids_limit)),
        ("", _count(usage.forks_refused)),
        ("", _of(_mark(usage, "memory") + size(usage.memory), usage.memory_limit)),
        ("", size(usage.memory_peak)),
        (killed, _count(usage.oom_kills)),
        ("", _of(_mark(usage, "cpu_seconds") + _seconds(usage.cpu_seconds), usage.cpu_limit)),
        ("", _seconds(usage.throttled_seconds)),
        ("", moved),
    ]


def _mark(usage: Usage, name: str) -> str:
    return "~" if name in usage.summed else ""


def _of(use: str, limit: str | None) -> str:
    return use if limit is None else f"{use} / {limit}"


def _count(number: int | None) -> str:
    return NOTHING if number is None else str(number)


def _seconds(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{seconds:.2f}s"
