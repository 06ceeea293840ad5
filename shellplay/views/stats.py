"""The table of ``stats``: the resources that each container uses, and their limits."""

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
UNCOUNTED_HINT = "- is counted after a limit: fence memory, fence cpu, fence io"
SUMMED_HINT = "~ is a sum over the processes, and exact once it is limited (help stats)"
# The first columns, which are always shown.
ALWAYS = 2
NOT_COUNTED = "-"


def table(usages: Sequence[Usage]) -> Table:
    """Return the table of the usage of containers, each value as ``use / limit``.

    A value that is not counted is a ``-``; a column without any value is left out.  A value
    after ``~`` is a sum over the processes of the container.
    """
    rows = [_row(each) for each in usages]
    shown = [
        number
        for number in range(len(COLUMNS))
        if number < ALWAYS or any(row[number][1] != NOT_COUNTED for row in rows)
    ]
    return Table(
        [COLUMNS[number] for number in shown],
        [[row[number] for number in shown] for row in rows],
        below=[[("ansibrightblack", hint)] for hint in _hints(usages)],
    )


def size(number: int | None) -> str:
    """Return a number of bytes in a binary unit, as ``12.5M``; ``-`` for None."""
    if number is None:
        return NOT_COUNTED
    amount, unit = float(number), 0
    while amount >= 1024 and unit < len(UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f}{UNITS[unit]}" if unit else f"{number}B"


def _hints(usages: Sequence[Usage]) -> Iterator[str]:
    if any({"memory", "cpu_seconds"}.intersection(each.summed) for each in usages):
        yield SUMMED_HINT
    elif any(None in (each.memory, each.cpu_seconds, each.read) for each in usages):
        yield UNCOUNTED_HINT


def _row(usage: Usage) -> list[Fragment]:
    name = safe_line(usage.container) + (" (paused)" if usage.paused else "")
    transferred = (
        f"{size(usage.read)}/{size(usage.written)}" if usage.read is not None else NOT_COUNTED
    )
    oom_style = "ansired" if usage.oom_kills else ""
    return [
        ("bold", name),
        ("", _use_and_limit(str(usage.processes), usage.pids_limit)),
        ("", _count(usage.forks_refused)),
        ("", _use_and_limit(_mark(usage, "memory") + size(usage.memory), usage.memory_limit)),
        ("", size(usage.memory_peak)),
        (oom_style, _count(usage.oom_kills)),
        (
            "",
            _use_and_limit(
                _mark(usage, "cpu_seconds") + _seconds(usage.cpu_seconds), usage.cpu_limit
            ),
        ),
        ("", _seconds(usage.throttled_seconds)),
        ("", transferred),
    ]


def _mark(usage: Usage, name: str) -> str:
    return "~" if name in usage.summed else ""


def _use_and_limit(use: str, limit: str | None) -> str:
    return use if limit is None else f"{use} / {limit}"


def _count(number: int | None) -> str:
    return NOT_COUNTED if number is None else str(number)


def _seconds(seconds: float | None) -> str:
    return NOT_COUNTED if seconds is None else f"{seconds:.2f}s"
