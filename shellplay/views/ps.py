"""The tables of ``ps``: the processes that the live bash can see, and those of the host."""

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
# The columns that ``-l`` adds before the state, as in ps(1) with ``aux``.
LONG = (
    Column("USER", keep=6, limit=16),
    Column("%CPU", keep=5, right=True),
    Column("RSS", keep=5, right=True),
    Column("START", keep=4, right=True),
)
LONG_INSIDE = (*INSIDE[:-2], *LONG, *INSIDE[-2:])
LONG_HOST = (*HOST[:-2], *LONG, *HOST[-2:])
LONG_COMMAND = 20
# More processes of the host are folded on a terminal.
MOST_OTHERS = 15
STYLES = {
    Role.REPL: "ansibrightblack",
    Role.PLAYGROUND: "ansibrightblack",
    Role.SHELL: "bold",
    Role.PARKED: "ansiyellow",
    Role.HOST: "ansibrightblack",
}


class Snapshot(Protocol):
    """A snapshot of processes, parents before children.

    ``folded`` is the number of host processes that are only counted.
    """

    @property
    def processes(self) -> Sequence[Process]:
        """The processes of the table."""

    @property
    def folded(self) -> int:
        """The number of host processes that are not in `processes`."""


def inside(processes: Sequence[Process], *, folds: bool = False) -> Table:
    """Return the table of the processes that a bash can see, with PIDs inside and on the host.

    A process in an inner PID namespace shows its PID in each namespace from the bash's
    inwards: ``17/1``.  If a process has details, the table has the columns of ``-l``.  With
    ``folds`` more than 15 processes of the host are only counted.
    """
    # The list contains the bash, and no process outside its PID namespace. So the shortest
    # list of PIDs ends in the PID namespace of the bash.
    level = min((len(process.inside) for process in processes), default=1) - 1
    pids_inside = {process.pid: process.inside[level] for process in processes}
    others = sum(process.role is Role.HOST for process in processes)
    folded = others if folds and others > MOST_OTHERS else 0
    now = time.time()
    rows = [
        [
            ("ansicyan", chain(process.inside[level:])),
            ("", str(pids_inside.get(process.ppid, 0))),
            ("", str(process.pid)),
            *_long(process.details, now),
            ("", process.state),
            (STYLES.get(process.role, ""), safe_line(process.command)),
        ]
        for process in sorted(processes, key=lambda process: process.inside[level])
        if not (folded and process.role is Role.HOST)
    ]
    below = _folded(folded, "ps -a")
    if _is_long(processes):
        return Table(LONG_INSIDE, rows, below=below, least=LONG_COMMAND)
    return Table(INSIDE, rows, below=below)


def host(snapshot: Snapshot) -> Table:
    """Return the table of the processes as the host sees them: a tree, with all their PIDs.

    If a process has details, the table has the columns of ``-l``.
    """
    now = time.time()
    rows = [_host_row(process, now) for process in snapshot.processes]
    depths, below = levels(snapshot.processes), _folded(snapshot.folded, "ps host -a")
    if _is_long(snapshot.processes):
        return Table(LONG_HOST, rows, depths, below, least=LONG_COMMAND)
    return Table(HOST, rows, depths, below)


def chain(pids: Sequence[int]) -> str:
    """Return PIDs from an outer to an inner PID namespace as text: ``4242/17/1``."""
    return "/".join(map(str, pids))


def levels(processes: Sequence[Process]) -> list[int]:
    """Return for each process how many of its ancestors are in the list."""
    found: dict[int, int] = {}
    for process in processes:
        found[process.pid] = found.get(process.ppid, -1) + 1
    return list(found.values())


def start(started: float, now: float) -> str:
    """Return a start time in seconds of Unix time as ps(1) writes it.

    That is ``21:55`` for a time of today, ``Sep03`` of this year, and else the year.
    """
    start_time, today = time.localtime(started), time.localtime(now)
    if start_time.tm_year != today.tm_year:
        return str(start_time.tm_year)
    is_today = start_time.tm_yday == today.tm_yday
    return time.strftime("%H:%M" if is_today else "%b%d", start_time)


def _is_long(processes: Sequence[Process]) -> bool:
    return any(process.details for process in processes)


def _long(details: ProcessDetails | None, now: float) -> list[Fragment]:
    if details is None:
        return []
    user, percent = details.user, details.cpu_percent
    memory, started = details.memory, details.started
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


def _folded(count: int, command: str) -> list[Line]:
    if not count:
        return []
    processes = "process" if count == 1 else "processes"
    return [[("ansibrightblack", f"+ {count} other host {processes} ({command})")]]
