"""The table of ``fences``: one row for each layer around a bash."""

from __future__ import annotations

from collections.abc import Sequence

from shellplay.model import FenceRecord
from shellplay.views.drawing import Column, Fragment, Table
from shellplay.views.sanitize import safe_line

COLUMNS: tuple[Column, ...] = (
    Column("FENCE"),
    Column("LAYER", limit=28),
    Column("KERNEL", keep=2),
    Column("HOW", keep=1),
    Column("OPTIONS", keep=0),
    Column("PEEL"),
)


def table(records: Sequence[FenceRecord], label: str) -> Table:
    """Return the table of the layers of a container, or of the host (``label`` "host")."""
    up = sum(record.up for record in records)
    is_known = label == "host" or any(record.shell for record in records)
    summary = f"{up} of {len(records)} layers fenced" if is_known else "its bash has ended"
    below: Fragment = ("ansibrightblack", f"{safe_line(label)}: {summary}")
    rows = [_row(record, is_known=is_known) for record in records]
    columns = COLUMNS
    if not any(record.options for record in records):
        columns = tuple(column for column in COLUMNS if column.title != "OPTIONS")
        rows = [[*row[:4], *row[5:]] for row in rows]
    return Table(columns, rows, below=[[below]], least=28)


def _row(record: FenceRecord, *, is_known: bool) -> list[Fragment]:
    style = "ansigreen" if record.up else "ansibrightblack"
    options = " ".join(f"{name}={value}" for name, value in record.options.items())
    return [
        ("bold" if record.up else "", record.fence),
        (style, _layer(record) if is_known else "unknown"),
        ("", _kernel_facts(record) if is_known else "unknown"),
        ("", str(record.how or "-")),
        ("", safe_line(options) or "-"),
        ("", safe_line(record.peel or "-")),
    ]


def _layer(record: FenceRecord) -> str:
    if not record.up:
        return "host"
    if record.shared_with:
        return f"shared with {safe_line(', '.join(record.shared_with))}"
    return "fenced"


def _kernel_facts(record: FenceRecord) -> str:
    """Return the inodes or states ``host -> shell``; "unknown" for one that is not known."""
    host = record.host or safe_line(record.host_state or "unknown")
    shell = record.shell or safe_line(record.shell_state or "unknown")
    if record.up:
        return f"{host} -> {shell}"
    return str(host if shell == "unknown" else shell)
