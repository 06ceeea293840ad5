"""The table of ``containers``: one row for each container."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from shellplay.views.drawing import Column, Fragment, Table
from shellplay.views.ps import chain
from shellplay.views.sanitize import safe_line

COLUMNS = (
    Column(" "),
    Column("NAME", limit=24),
    Column("BASH", keep=2, right=True),
    Column("STATE", keep=3),
    Column("COMMAND", keep=1, limit=24),
    Column("PARKED", keep=1, right=True),
    Column("ADDRESS", keep=1),
    Column("PORTS", keep=1, limit=40),
    Column("FENCES"),
)
# These columns are shown if a container has a value that is not the default.
OPTIONAL = {"ADDRESS": "addresses", "PORTS": "ports", "COMMAND": "command"}
DEFAULT_COMMAND = "bash"


def table(rows: Sequence[Mapping[str, object]]) -> Table:
    """Return the table of records with the keys of ``containers --json``.

    ``inside`` and ``fences`` are sequences, ``parked`` is a number.  Optional keys are
    ``addresses``, a list, and ``ports``, a list of mappings with the keys address, host,
    inside and protocol.
    """
    shown = [
        column.title not in OPTIONAL
        or any(
            row.get(OPTIONAL[column.title], DEFAULT_COMMAND) not in (DEFAULT_COMMAND, [])
            for row in rows
        )
        for column in COLUMNS
    ]
    cells = [list(itertools.compress(_row(row), shown)) for row in rows]
    return Table(tuple(itertools.compress(COLUMNS, shown)), cells)


def _row(row: Mapping[str, object]) -> list[Fragment]:
    inside, fences = row["inside"], row["fences"]
    pids = inside if isinstance(inside, list | tuple) else (row["pid"],)
    fence_names = " ".join(map(str, fences)) if isinstance(fences, list | tuple) else ""
    return [
        ("ansigreen", "*" if row["current"] else " "),
        ("bold", safe_line(str(row["name"]))),
        ("ansicyan", chain(pids)),
        ("", _state(row)),
        ("", safe_line(str(row.get("command", "bash")))),
        ("", str(row["parked"])),
        ("", safe_line(str(next(iter(_list(row, "addresses")), "-")))),
        ("", safe_line(", ".join(map(_port, _list(row, "ports")))) or "-"),
        ("ansigreen", safe_line(fence_names) or "-"),
    ]


def _state(row: Mapping[str, object]) -> str:
    status = row.get("exit_status")
    return str(row["state"]) if status is None else f"exited ({status})"


def _list(row: Mapping[str, object], key: str) -> list[object]:
    value = row.get(key)
    return value if isinstance(value, list) else []


def _port(port: object) -> str:
    assert isinstance(port, Mapping)
    address = f"[{port['address']}]" if ":" in str(port["address"]) else port["address"]
    return f"{address}:{port['host']}->{port['inside']}/{port['protocol']}"
