"""containers: one line for each."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from shellplay.views.drawing import Column, Fragment, Table
from shellplay.views.ps import chain
from shellplay.views.sanitize import safe_line

COLUMNS = (
    Column(" "),
    Column("NAME", limit=24),
    Column("ID", keep=0),
    Column("BASH", keep=2, right=True),
    Column("STATE", keep=3),
    Column("COMMAND", keep=1, limit=24),
    Column("PARKED", keep=1, right=True),
    Column("ADDRESS", keep=1),
    Column("PORTS", keep=1, limit=40),
    Column("FENCES"),
)
# Shown if one of the containers has any.
OCCASIONAL = {"ADDRESS": "addresses", "PORTS": "ports", "COMMAND": "command"}
USUAL = "bash"


def table(rows: Sequence[Mapping[str, object]]) -> Table:
    """Draw records with the keys of ``containers --json``.

    ``inside`` and ``fences`` are sequences, ``parked`` is a number.  They may have lists of
    ``addresses`` and of ``ports`` with the keys address, host, inside, protocol.
    """
    shown = [
        column.title not in OCCASIONAL
        or any(row.get(OCCASIONAL[column.title], USUAL) not in (USUAL, []) for row in rows)
        for column in COLUMNS
    ]
    drawn = [list(itertools.compress(_row(row), shown)) for row in rows]
    return Table(tuple(itertools.compress(COLUMNS, shown)), drawn)


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
        ("", safe_line(str(row.get("command", "bash")))),
        ("", str(row["parked"])),
        ("", safe_line(str(next(iter(_list(row, "addresses")), "-")))),
        ("", safe_line(", ".join(map(_port, _list(row, "ports")))) or "-"),
        ("ansigreen", safe_line(kinds) or "-"),
    ]


def _state(row: Mapping[str, object]) -> str:
    status = row.get("exit_status")
    return str(row["state"]) if status is None else f"exited ({status})"


def _list(row: Mapping[str, object], key: str) -> list[object]:
    found = row.get(key)
    return found if isinstance(found, list) else []


def _port(port: object) -> str:
    assert isinstance(port, Mapping)
    address = f"[{port['address']}]" if ":" in str(port["address"]) else port["address"]
    return f"{address}:{port['host']}->{port['inside']}/{port['protocol']}"
