"""image ls and image inspect: one line for each image, or all there is to know of one."""

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
    """Draw records with the keys name, id, size, platform and created."""
    return Table(COLUMNS, [_row(row) for row in rows])


def page(row: Mapping[str, Any]) -> str:
    """Return one image as lines of a word and what it is; what is empty is left out."""
    shown = [(name, text) for name, text in _facts(row) if text]
    width = max(len(name) for name, _ in shown)
    return "\n".join(f"{name:<{width}}  {safe_line(text)}" for name, text in shown)


def in_words(size: int) -> str:
    """Return a size as people write it: ``4.2 MB``."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    units = iter(UNITS)
    unit = ""
    # A value that would be rounded to 1000 is one of the next unit.
    while value >= 999.5:
        value, unit = value / 1000, next(units)
    return f"{value:.3g} {unit}"


def _row(row: Mapping[str, Any]) -> list[Fragment]:
    return [
        ("bold", safe_line(row["name"])),
        ("ansicyan", _short(row["id"])),
        ("", in_words(row["size"])),
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
        yield "layer", f"{_short(layer['digest'])} {in_words(layer['size'])}"


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]
