"""The table of ``volume ls``, and the lines of ``volume inspect``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shellplay.views.drawing import Column, Table
from shellplay.views.sanitize import safe_line

COLUMNS = (
    Column("NAME", limit=40),
    Column("USED BY", keep=3),
    Column("LABELS", keep=1, limit=40),
    Column("CREATED"),
)
DATE = len("2026-01-31")


def table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of records with the keys of ``volume ls --json``."""
    cells = [
        [
            ("bold", safe_line(row["name"])),
            ("ansicyan", safe_line(_users(row))),
            ("", safe_line(_labels(row)) or "-"),
            ("", row["created"][:DATE]),
        ]
        for row in rows
    ]
    return Table(COLUMNS, cells)


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return volumes as lines, each with a word and a value; empty values are left out."""
    lines = []
    for row in rows:
        for name, text in (
            ("name", row["name"]),
            ("path", row["path"]),
            ("created", row["created"]),
            ("used by", _users(row)),
            ("labels", _labels(row)),
        ):
            if text:
                lines.append(f"{name:<8} {safe_line(text)}")
    return "\n".join(lines)


def _users(row: Mapping[str, Any]) -> str:
    if row["containers"]:
        return " ".join(row["containers"])
    return "another playground" if row["used"] else "-"


def _labels(row: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in row["labels"].items())
