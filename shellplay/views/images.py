"""The table of ``image ls``, and the page of ``image inspect`` with all facts of an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shellplay.views.drawing import Column, Fragment, Table
from shellplay.views.sanitize import safe_line

COLUMNS = (
    Column("NAME", limit=60),
    Column("ID", keep=3),
    Column("SIZE", keep=2, right=True),
    Column("PLATFORM", keep=0),
    Column("CREATED"),
)
UNITS = ("kB", "MB", "GB", "TB", "PB", "EB")
DATE = len("2026-01-31")


def table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the table of records with the keys name, id, size (bytes), platform, created."""
    return Table(COLUMNS, [_row(row) for row in rows])


def page(row: Mapping[str, Any]) -> str:
    """Return one image as lines, each with a word and a value; empty values are left out."""
    facts = [(name, text) for name, text in _facts(row) if text]
    width = max(len(name) for name, _ in facts)
    return "\n".join(f"{name:<{width}}  {safe_line(text)}" for name, text in facts)


def format_size(size: int) -> str:
    """Return a size in bytes with a decimal unit, as ``4.2 MB``."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    units = iter(UNITS)
    unit = ""
    # From 999.5 on, a value would be rounded to 1000, so use the next unit.
    while value >= 999.5:
        value, unit = value / 1000, next(units)
    return f"{value:.3g} {unit}"


def _row(row: Mapping[str, Any]) -> list[Fragment]:
    return [
        ("bold", safe_line(row["name"])),
        ("ansicyan", _short(row["id"])),
        ("", format_size(row["size"])),
        ("", safe_line(row["platform"])),
        ("", safe_line(row["created"] or "-")[:DATE]),
    ]


def _facts(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    config = row["config"]
    yield "name", row["reference"]
    yield "id", row["id"]
    yield "manifest", row["digest"]
    yield "platform", row["platform"]
    yield "created", row["created"] or ""
    yield "entrypoint", " ".join(config["entrypoint"])
    yield "command", " ".join(config["command"])
    yield "directory", config["directory"]
    yield "user", config["user"]
    yield "ports", " ".join(config["ports"])
    yield "volumes", " ".join(config["volumes"])
    for each in config["environment"]:
        yield "environment", each
    for name, value in config["labels"].items():
        yield "label", f"{name}={value}"
    for layer in row["layers"]:
        yield "layer", f"{_short(layer['digest'])} {format_size(layer['size'])}"


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]
