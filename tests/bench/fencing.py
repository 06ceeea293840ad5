"""Rows: putting a fence up and taking it off, beside unshare(1) of the same kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec

from tests.bench.clock import program, side_by_side
from tests.bench.lines import typed_lines
from tests.bench.table import Row

OPTIONS = {
    "user": "-U",
    "mnt": "-m",
    "uts": "-u",
    "ipc": "-i",
    "net": "-n",
    "pid": "-pf",
    "cgroup": "-C",
    "time": "-T",
}
FORKED = {"user", "pid"}


def rows(rounds: int) -> Iterator[Row]:
    """Yield the time of ``fence`` and ``peel`` of each kind, from line to printed result."""
    for kind in OPTIONS if os.geteuid() == 0 else ("user",):
        with typed_lines() as run:
            run("new")
            found = side_by_side(
                {
                    "unshare -u true": program("unshare", *_flags("uts"), "true"),
                    "the same kind": program("unshare", *_flags(kind), "true"),
                    "fence": partial(run, f"fence {kind}"),
                    "peel": partial(run, f"peel {kind}"),
                },
                rounds,
            )
        yield from (_row(verb, kind, found) for verb in ("fence", "peel"))


def bridged(rounds: int) -> Iterator[Row]:
    """Yield the time of ``fence net bridge`` after the first: addresses, NAT and names."""
    if os.geteuid() != 0 or find_spec("pyroute2") is None:
        return
    with typed_lines() as run:
        run("new; fence mnt")
        peer = "unshare -n true"
        found = side_by_side(
            {
                peer: program("unshare", "-n", "true"),
                "fence": partial(run, "fence net bridge"),
                "peel": partial(run, "peel net"),
            },
            rounds,
        )
    for verb, line in (("fence", "fence net bridge"), ("peel", "peel net")):
        yield Row(f"`{line}` (a bridge)", found[verb], "ms", peer, found[peer], None)


def _row(verb: str, kind: str, found: dict[str, float]) -> Row:
    forked = kind in FORKED
    budget = {"fence": 1.5, "peel": None}[verb] if forked else 1.0
    how = "forked" if forked else "in place"
    same = f"`unshare {OPTIONS[kind]} true` takes {found['the same kind']:.2g} ms"
    peer = "unshare -u true"
    return Row(f"`{verb} {kind}` ({how}); {same}", found[verb], "ms", peer, found[peer], budget)


def _flags(kind: str) -> list[str]:
    return [OPTIONS[kind]] if os.geteuid() == 0 or kind == "user" else ["-U", OPTIONS[kind]]
