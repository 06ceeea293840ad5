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
    Column("COMMAND", keep=1, limit=24),
    Column("PARKED", keep=1, right=True),
    Column("FENCES"),
)


def table(rows: Sequence[Mapping[str, object]]) -> Table:
    """Draw records with the keys of ``containers --json``.

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
        ("", _state(row)),
        ("", safe_line(str(row["command"]))),
        ("", str(row["parked"])),
        ("ansigreen", safe_line(kinds) or "-"),
    ]


def _state(row: Mapping[str, object]) -> str:
    status = row["exit_status"]
    return str(row["state"]) if status is None else f"exited ({status})"
