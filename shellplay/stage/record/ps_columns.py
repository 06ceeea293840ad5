"""Lists of processes, as ps(1) and our own ``ps`` print them: which column is what."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

HEADING = re.compile(r"HOST PID|\S+")
NUMBERS = {"PID", "HOST PID", "PPID", "PGID", "PGRP", "SID", "SESS", "TPGID", "LWP", "TID"}
TIMES = {"TIME", "STIME", "START", "ELAPSED"}
MEASURED = {"C", "%CPU", "%MEM", "VSZ", "RSS", "SZ", "NLWP"}
STATES = {"S", "STAT"}
COMMANDS = {"COMMAND", "CMD", "ARGS", "COMMAND:"}
# What a reader wants to see: stopped and dead; the others change from moment to moment.
TELLING = ("T", "Z")


@dataclass(frozen=True, slots=True)
class Columns:
    """The headings of such a list, in their order."""

    names: tuple[str, ...]

    def cells(self, line: str) -> list[str] | None:
        """Return the cells of a row, with the blanks before them; None if it is none."""
        width = len(self.names)
        found = re.findall(r"\s*\S+", line)
        if len(found) < width:
            return None
        return [*found[: width - 1], "".join(found[width - 1 :])]

    def pid(self, cells: list[str]) -> str:
        """Return the PID of a row, that on the host if there are two."""
        name = "HOST PID" if "HOST PID" in self.names else "PID"
        return cells[self.names.index(name)].strip()

    def tagged(self, cells: list[str], number: Callable[[str], str]) -> str:
        """Return a row as it is to be expected; ``number`` gives a PID its tag."""
        kept = dict(zip(self.names, (cell.strip() for cell in cells), strict=True))
        return "".join(
            cell[: len(cell) - len(cell.lstrip())] + _tagged(name, kept, number)
            for name, cell in zip(self.names, cells, strict=True)
        )


def columns(line: str) -> Columns | None:
    """Return the columns that a line is the heading of, or None."""
    names = tuple(HEADING.findall(line))
    is_heading = "PID" in names or "HOST PID" in names
    return Columns(names) if is_heading and names[-1] in COMMANDS else None


def _tagged(name: str, row: dict[str, str], number: Callable[[str], str]) -> str:
    value = row[name]
    if name in NUMBERS:
        return number(value)
    if name in TIMES:
        return "<time>"
    if name in MEASURED:
        return "<num>"
    if name in STATES:
        return value if value.startswith(TELLING) else "<...>"
    if name == "INSIDE":
        return re.sub(r"\d+", lambda each: each[0] if int(each[0]) < 2 else "<int>", value)
    if name in ("TTY", "TT"):
        return "<tty>" if value != "?" else value
    if name in COMMANDS and value.endswith("…"):
        return "<...>"  # Where it is cut depends on the columns before it.
    return value
