"""ps: processes as the live bash could see them, and as the host does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from shellplay.model import Process, ProcessDetails, Role
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
# Of the long listing; they stand before the state, as in ps aux.
LONG = (
    Column("USER", keep=6, limit=16),
    Column("%CPU", keep=5, right=True),
    Column("RSS", keep=5, right=True),
    Column("START", keep=4, right=True),
)
LONG_INSIDE = (*INSIDE[:-2], *LONG, *INSIDE[-2:])
LONG_HOST = (*HOST[:-2], *LONG, *HOST[-2:])
LONG_COMMAND = 20
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

    A process in a namespace further down shows the rest of its chain: ``17/1``.  With the
    details of processes the table is long.
    """
    # The bash itself is among them, and nothing in the list is above its namespace.
    level = min((len(process.inside) for process in processes), default=1) - 1
    known = {process.pid: process.inside[level] for process in processes}
    now = time.time()
    rows = [
        [
            ("ansicyan", chain(process.inside[level:])),
            ("", str(known.get(process.ppid, 0))),
            ("", str(process.pid)),
            *_long(process.details, now),
            ("", process.state),
            (STYLES.get(process.role, ""), safe_line(process.command)),
        ]
        for process in sorted(processes, key=lambda process: process.inside[level])
    ]
    if _is_long(processes):
        return Table(LONG_INSIDE, rows, least=LONG_COMMAND)
    return Table(INSIDE, rows)


def host(taken: Taken) -> Table:
    """Draw the playground as the host sees it: a tree, with every PID of each process.

    With the details of processes the table is long.
    """
    now = time.time()
    rows = [_host_row(process, now) for process in taken.processes]
    depths, below = levels(taken.processes), _folded(taken.folded)
    if _is_long(taken.processes):
        return Table(LONG_HOST, rows, depths, below, least=LONG_COMMAND)
    return Table(HOST, rows, depths, below)


def chain(pids: Sequence[int]) -> str:
    """Spell PIDs from an outer to an inner namespace: ``4242/17/1``."""
    return "/".join(map(str, pids))


def levels(processes: Sequence[Process]) -> list[int]:
    """Return how deep each process is below the first of its ancestors in the list."""
    found: dict[int, int] = {}
    for process in processes:
        found[process.pid] = found.get(process.ppid, -1) + 1
    return list(found.values())


def start(started: float, now: float) -> str:
    """Spell seconds since the epoch as ps(1) does: ``21:55``, of another day ``Sep03``.

    Of another year it is the year alone.
    """
    then, today = time.localtime(started), time.localtime(now)
    if then.tm_year != today.tm_year:
        return str(then.tm_year)
    return time.strftime("%H:%M" if then.tm_yday == today.tm_yday else "%b%d", then)


def _is_long(processes: Sequence[Process]) -> bool:
    return any(process.details for process in processes)


def _long(details: ProcessDetails | None, now: float) -> list[Fragment]:
    if details is None:
        return []
    user, percent, memory, started = details
    return [
        ("", "-" if user is None else safe_line(user)),
        ("", "-" if percent is None else f"{percent:.1f}"),
        ("", "-" if memory is None else str(memory // 1024)),
        ("", "-" if started is None else start(started, now)),
    ]


def _host_row(process: Process, now: float) -> list[Fragment]:
    return [
        ("", str(process.pid)),
        ("", str(process.ppid)),
        ("ansicyan", chain(process.inside[1:]) or "-"),
        ("", safe_line(process.container or "-")),
        *_long(process.details, now),
        ("", f"{process.state} {process.role}"),
        (STYLES.get(process.role, ""), safe_line(process.command)),
    ]


def _folded(count: int) -> list[Line]:
    if not count:
        return []
    processes = "process" if count == 1 else "processes"
    return [[("ansibrightblack", f"+ {count} other host {processes} (ps host -a)")]]
