"""containers: one line for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shellplay.views.drawing import Column, Fragment, Table
from shellplay.views.ps import chain
from shellplay.views.safe import safe_line

COLUMNS = (
    Column(" "),
    Column("NAME", limit=24),
    Column("ID", keep=0),
    Column("BASH", keep=2, right=True),
    Column("STATE", keep=3),
    Column("PARKED", keep=1, right=True),
    Column("FENCES"),
)


def table(rows: Sequence[Mapping[str, object]]) -> Table:
    """Draw records with the keys id, name, current, pid, inside, state, parked, fences.

    ``inside`` and ``fences`` are sequences, ``parked`` is a number.
    """
    return Table(COLUMNS, [_row(row) for row in rows])


def _row(row: Mapping[str, object]) -> list[Fragment]:
    inside, fences = row["inside"], row["fences"]
    numbers = inside if isinstance(inside, list | tuple) else (row["pid"],)
    kinds = " ".join(map(str, fences)) if isinstance(fences, list | tuple) else ""
    return [
        ("ansigreen", "*" if row["current"] else " "),
        ("bold", safe_line(str(row["name"] or "-"))),
        ("", str(row["id"])),
        ("ansicyan", chain(numbers)),
        ("", str(row["state"])),
        ("", str(row["parked"])),
        ("ansigreen", safe_line(kinds) or "-"),
    ]
