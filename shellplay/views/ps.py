"""ps: processes as the live bash could see them, and as the host does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from shellplay.model import Process, Role
from shellplay.views.drawing import Column, Fragment, Line, Table
from shellplay.views.sanitize import safe_line

INSIDE = (
    Column("PID", right=True),
    Column("PPID", keep=0, right=True),
    Column("HOST PID", keep=2, right=True),
    Column("S", keep=1),
    Column("COMMAND"),
)
HOST = (
    Column("HOST PID", right=True),
    Column("PPID", keep=0, right=True),
    Column("INSIDE", keep=3, right=True),
    Column("CONTAINER", keep=2, limit=24),
    Column("S ROLE", keep=1),
    Column("COMMAND"),
)
STYLES = {
    Role.REPL: "ansibrightblack",
    Role.PLAYGROUND: "ansibrightblack",
    Role.SHELL: "bold",
    Role.PARKED: "ansiyellow",
    Role.HOST: "ansibrightblack",
}


class Taken(Protocol):
    """A snapshot: processes, parents before children, and how many were only counted."""

    @property
    def processes(self) -> Sequence[Process]:
        """The processes to show."""

    @property
    def folded(self) -> int:
        """How many other processes the host has."""


def inside(processes: Sequence[Process]) -> Table:
    """Draw the processes that a bash could see, with their PIDs there and on the host.

    A process in a namespace further down shows the rest of its chain: ``17/1``.
    """
    # The bash itself is among them, and nothing in the list is above its namespace.
    level = min((len(process.inside) for process in processes), default=1) - 1
    known = {process.pid: process.inside[level] for process in processes}
    rows = [
        [
            ("ansicyan", chain(process.inside[level:])),
            ("", str(known.get(process.ppid, 0))),
            ("", str(process.pid)),
            ("", process.state),
            (STYLES.get(process.role, ""), safe_line(process.command)),
        ]
        for process in sorted(processes, key=lambda process: process.inside[level])
    ]
    return Table(INSIDE, rows)


def host(taken: Taken) -> Table:
    """Draw the playground as the host sees it: a tree, with every PID of each process."""
    rows = [_host_row(process) for process in taken.processes]
    return Table(HOST, rows, levels(taken.processes), _folded(taken.folded))


def chain(pids: Sequence[int]) -> str:
    """Spell PIDs from an outer to an inner namespace: ``4242/17/1``."""
    return "/".join(map(str, pids))


def levels(processes: Sequence[Process]) -> list[int]:
    """Return how deep each process is below the first of its ancestors in the list."""
    found: dict[int, int] = {}
    for process in processes:
        found[process.pid] = found.get(process.ppid, -1) + 1
    return list(found.values())


def _host_row(process: Process) -> list[Fragment]:
    return [
        ("", str(process.pid)),
        ("", str(process.ppid)),
        ("ansicyan", chain(process.inside[1:]) or "-"),
        ("", safe_line(process.container or "-")),
        ("", f"{process.state} {process.role}"),
        (STYLES.get(process.role, ""), safe_line(process.command)),
    ]


def _folded(count: int) -> list[Line]:
    if not count:
        return []
    processes = "process" if count == 1 else "processes"
    return [[("ansibrightblack", f"+ {count} other host {processes} (ps host -a)")]]
