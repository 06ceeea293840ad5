"""The table of ``recipes``: one row for each recipe that comes with shellplay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shellplay.views.drawing import Column, Fragment, Table
from shellplay.views.sanitize import safe_line

COLUMNS = (
    Column("#", keep=1, right=True),
    Column("NAME"),
    Column("MIN", keep=3, right=True),
    Column("DONE", keep=2),
    Column("FENCES", keep=0, limit=24),
    Column("HERE", keep=2),
    Column("TITLE"),
)


def table(rows: Sequence[Mapping[str, object]]) -> Table:
    """Return the table of records with the keys number, name, title, tags, minutes,
    completed and why_not.

    ``why_not`` is the reason why this machine cannot perform the recipe; None: it can.
    """
    below = [
        [("ansiyellow", f"{row['name']}: {safe_line(str(row['why_not']))}")]
        for row in rows
        if row["why_not"]
    ]
    return Table(COLUMNS, [_row(row) for row in rows], below=below)


def _row(row: Mapping[str, object]) -> list[Fragment]:
    tags = row["tags"]
    fences = " ".join(map(str, tags)) if isinstance(tags, list) else ""
    is_performable = row["why_not"] is None
    return [
        ("", "" if row["number"] is None else str(row["number"])),
        ("bold", safe_line(str(row["name"]))),
        ("", "-" if row["minutes"] is None else str(row["minutes"])),
        ("ansigreen", "✓" if row["completed"] else ""),
        ("", safe_line(fences)),
        ("ansigreen", "yes") if is_performable else ("ansiyellow", "no"),
        ("", safe_line(str(row["title"]))),
    ]
