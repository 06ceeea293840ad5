"""Rows: list the processes of a host with many processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.clock import program, side_by_side
from tests.bench.lines import typed_lines
from tests.bench.table import Row

PROCESSES = 2000


def rows(rounds: int) -> Iterator[Row]:
    """Yield ``ps host`` and its long form beside ps(1) and lsns(8), with 2,000 processes."""
    with typed_lines() as run, sleepers(PROCESSES):
        run("new web; fence pid mnt; spawn sleep 1000 &")
        found = side_by_side(
            {
                "ps host": lambda: run("ps host"),
                "ps host -a": lambda: run("ps host -a"),
                "ps -eaf": program("ps", "-eaf"),
                "lsns": program("lsns"),
            },
            rounds,
        )
    for ours in ("ps host", "ps host -a"):
        for peer in ("ps -eaf", "lsns"):
            what = f"`{ours}` with {PROCESSES:,} processes"
            budget = 1.0 if (ours, peer) == ("ps host", "ps -eaf") else None
            yield Row.of(what, found[ours], peer, found[peer], budget)


@contextmanager
def sleepers(number: int) -> Iterator[None]:
    """Keep ``number`` idle processes for the block."""
    pids: list[int] = []
    try:
        for _ in range(number):
            pids.append(os.posix_spawnp("sleep", ["sleep", "1000"], os.environ))
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)
