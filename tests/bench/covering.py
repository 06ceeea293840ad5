"""Rows: the fences that are no namespaces, beside unshare(1) in the same run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

from tests.bench.clock import program, side_by_side
from tests.bench.lines import typed_lines
from tests.bench.table import Row

# What is typed, and whether bash forks for it; all but the last two in a pid and a mnt fence.
LINES = {
    "root overlay": False,
    "proc": False,
    "sys": False,
    "dev": False,
    "memory 64M": False,
    "caps docker": True,
    "seccomp docker": True,
}
PEER = "unshare -u true"


def rows(rounds: int) -> Iterator[Row]:
    """Yield the time of ``fence`` and ``peel`` of each, from line to printed result."""
    if os.geteuid() != 0:
        return
    for line, forks in LINES.items():
        kind = line.split()[0]
        with typed_lines() as run:
            run("new")
            if not forks:
                run("fence pid")
                run("fence mnt")
            found = side_by_side(
                {
                    PEER: program("unshare", "-u", "true"),
                    "fence": partial(run, f"fence {line}"),
                    "peel": partial(run, f"peel {kind}"),
                },
                rounds,
            )
        how = "forked" if forks else "in place"
        fence, peel = f"`fence {line}` ({how})", f"`peel {kind}` ({how})"
        # The budgets are for a fence of one call or a few; these mount, copy and write files.
        yield Row(fence, found["fence"], "ms", PEER, found[PEER], 1.5 if forks else None)
        yield Row(peel, found["peel"], "ms", PEER, found[PEER])
