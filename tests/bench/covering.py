"""Rows: the fences that mount files or write limits, beside unshare(1) in the same run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

from tests.bench.clock import program, side_by_side
from tests.bench.lines import typed_lines
from tests.bench.table import Row

# What is typed, in a pid and a mnt fence.
LINES = ("root overlay", "proc", "sys", "dev", "memory 64M")
PEER = "unshare -u true"


def rows(rounds: int) -> Iterator[Row]:
    """Yield the time of ``fence`` and ``peel`` of each, from line to printed result."""
    if os.geteuid() != 0:
        return
    for line in LINES:
        kind = line.split()[0]
        with typed_lines() as run:
            run("new; fence pid; fence mnt")
            found = side_by_side(
                {
                    PEER: program("unshare", "-u", "true"),
                    "fence": partial(run, f"fence {line}"),
                    "peel": partial(run, f"peel {kind}"),
                },
                rounds,
            )
        # No budgets: these mount, copy and write files.
        yield Row.of(f"`fence {line}` (in place)", found["fence"], PEER, found[PEER])
        yield Row.of(f"`peel {kind}` (in place)", found["peel"], PEER, found[PEER])
