"""The table of ``probe``: what a process inside can do, and what closes the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from shellplay.views.drawing import Column, Fragment, Table
from shellplay.views.sanitize import safe_line

STYLES = {"open": "ansiyellow", "closed": "ansigreen", "not testable": "ansibrightblack"}
STATES = tuple(STYLES)


def table(
    rows: Sequence[Mapping[str, Any]], beside: Sequence[Mapping[str, Any]], label: str
) -> Table:
    """Return one row for each experiment; ``beside`` are those of ``label``, if any."""
    others = {each["probe"]: each for each in beside}
    columns = [
        Column("PROBE", limit=20),
        Column("A PROCESS INSIDE CAN", limit=32, keep=1),
        Column("RESULT"),
        Column("CLOSED BY", keep=3),
    ]
    if beside:
        columns.append(Column(safe_line(label).upper()))
    cells = [_row(each, others.get(each["probe"])) for each in rows]
    below: list[list[Fragment]] = [[("ansibrightblack", summary(rows))]]
    return Table(columns, cells, below=below)


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how many experiments have which result."""
    counted = ((state, sum(each["state"] == state for each in rows)) for state in STATES)
    return ", ".join(f"{count} {state}" for state, count in counted if count)


def page(row: Mapping[str, Any]) -> str:
    """Return the text about one experiment."""
    return "\n".join(map(safe_line, _lines(row)))


def matrix(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return a table in Markdown: an experiment in each row, fences in each column."""
    head = ["probe", "a process can", *(f"`{name}`" for name in found)]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    first = next(iter(found.values()))
    for group, members in groupby(enumerate(first), key=lambda pair: pair[1]["group"]):
        lines.append(f"| **{group}** |" + " |" * (len(head) - 1))
        for place, each in members:
            states = [_mark(rows[place]) for rows in found.values()]
            lines.append(f"| {' | '.join([each['probe'], each['tries'], *states])} |")
    return "\n".join(lines) + "\n"


def _mark(row: Mapping[str, Any]) -> str:
    return {"open": "open", "closed": str(row["error"]), "not testable": ""}[row["state"]]


def _row(row: Mapping[str, Any], other: Mapping[str, Any] | None) -> list[Fragment]:
    cells: list[Fragment] = [
        ("bold", safe_line(row["probe"])),
        ("", safe_line(row["tries"])),
        (STYLES[row["state"]], row["state"]),
        (
            "",
            safe_line(" ".join(row["closed_by"])) or ("the host" * (row["state"] == "closed")),
        ),
    ]
    if other is not None:
        cells.append((STYLES[other["state"]], other["state"]))
    return cells


def _cause(row: Mapping[str, Any]) -> str:
    if row["state"] != "closed":
        return ""
    return safe_line(" ".join(row["closed_by"])) or "the host"


def _lines(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"{row['probe']}: {row['tries']}"
    yield f"it makes the call {' and then '.join(row['calls'])}"
    by = row["closed_by"]
    if row["state"] == "open":
        yield "open: the kernel lets a process inside do it"
    elif row["state"] == "not testable":
        yield f"not testable: this kernel or this host does not have it ({row['error']})"
    elif by:
        noun = "fence" if len(by) == 1 else "fences"
        yield f"closed ({row['error']}) by the {noun} {' and '.join(by)}: without, it is open"
        yield f"try: {'; '.join(f'peel {kind}' for kind in reversed(by))}"
    else:
        yield f"closed ({row['error']}), and no fence is the cause: the host refuses it as well"
