"""The columns of process lists, as ps(1) and shellplay's ``ps`` print them."""

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
# The states stopped and zombie stay as expected text; all other states change quickly.
STABLE_STATES = ("T", "Z")


@dataclass(frozen=True, slots=True)
class Columns:
    """The headings of a process list, from left to right."""

    names: tuple[str, ...]

    def cells(self, line: str) -> list[str] | None:
        """Return the cells of a row, each with the blanks before it.

        None: the line has too few words to be a row.
        """
        width = len(self.names)
        found = re.findall(r"\s*\S+", line)
        if len(found) < width:
            return None
        return [*found[: width - 1], "".join(found[width - 1 :])]

    def pid(self, cells: list[str]) -> str:
        """Return the PID of a row; the PID on the host if the list has both."""
        name = "HOST PID" if "HOST PID" in self.names else "PID"
        return cells[self.names.index(name)].strip()

    def tag_row(self, cells: list[str], tag_pid: Callable[[str], str]) -> str:
        """Return a row with tags for values that change; ``tag_pid`` gives a PID its tag."""
        row = dict(zip(self.names, (cell.strip() for cell in cells), strict=True))
        return "".join(
            cell[: len(cell) - len(cell.lstrip())] + _tag_cell(name, row, tag_pid)
            for name, cell in zip(self.names, cells, strict=True)
        )


def columns(line: str) -> Columns | None:
    """Return the columns if a line is the heading of a process list, else None."""
    names = tuple(HEADING.findall(line))
    is_heading = "PID" in names or "HOST PID" in names
    return Columns(names) if is_heading and names[-1] in COMMANDS else None


def _tag_cell(name: str, row: dict[str, str], tag_pid: Callable[[str], str]) -> str:
    value = row[name]
    if name in NUMBERS:
        return tag_pid(value)
    if name in TIMES:
        return "<time>"
    if name in MEASURED:
        return "<num>"
    if name in STATES:
        return value if value.startswith(STABLE_STATES) else "<...>"
    if name == "INSIDE":
        return re.sub(r"\d+", lambda each: each[0] if int(each[0]) < 2 else "<int>", value)
    if name in ("TTY", "TT"):
        return "<tty>" if value != "?" else value
    if name in COMMANDS and value.endswith("…"):
        return "<...>"  # Where `ps` cuts a command depends on the width of the columns.
    return value
