"""Rows: putting a fence up and taking it off, beside unshare(1)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec

from tests.bench.clock import program, side_by_side
from tests.bench.lines import typed_lines
from tests.bench.table import Row

# By kind, the options of unshare(1) for the namespaces that go up in place.
IN_PLACE = {
    "mnt": "-m", "uts": "-u", "ipc": "-i", "net": "-n", "cgroup": "-C", "time": "-T",
}  # fmt: skip
# What is typed where bash is forked, with the budget of ``fence``; all may go up alone.
FORKED = {"user": 1.0, "pid": 1.0, "nnp": 1.0, "caps docker": 1.5, "seccomp docker": 1.5}
PEER = "unshare -u true"
UNTYPED, TYPED = 1.0, 3.0


def rows(rounds: int) -> Iterator[Row]:
    """Yield the time of ``fence`` and ``peel`` of each kind, from line to printed result."""
    root = os.geteuid() == 0
    for kind in IN_PLACE if root else ():
        yield from _in_place(kind, rounds)
    for line, budget in FORKED.items() if root else (("user", FORKED["user"]),):
        yield from _forked(line, budget, rounds)


def _in_place(kind: str, rounds: int) -> Iterator[Row]:
    # A new network costs the kernel more than a new name does.
    option = IN_PLACE[kind] if kind == "net" else IN_PLACE["uts"]
    peer = f"unshare {option} true"
    with typed_lines() as run:
        run("new")
        found = side_by_side(
            {
                peer: program("unshare", option, "true"),
                "fence": partial(run, f"fence {kind}"),
                "peel": partial(run, f"peel {kind}"),
            },
            rounds,
        )
    for verb in ("fence", "peel"):
        yield Row.of(f"`{verb} {kind}` (in place)", found[verb], peer, found[peer], 0.4)


def _forked(line: str, budget: float, rounds: int) -> Iterator[Row]:
    kind = line.split()[0]
    peer = program("unshare", *(["-u"] if os.geteuid() == 0 else ["-U", "-u"]), "true")
    with typed_lines() as run:
        run("new")
        found = side_by_side(
            {
                PEER: peer,
                "fence": partial(run, f"fence {line}"),
                "peel": partial(run, f"peel {kind}"),
                "again": partial(run, f"fence {line}"),
                "type": partial(run, "in typed=yes"),
                "peel after": partial(run, f"peel {kind}"),
            },
            rounds,
        )
    for what, name, most in (
        (f"`fence {line}` (forked)", "fence", budget),
        (f"`peel {kind}` (forked), nothing typed inside", "peel", UNTYPED),
        (f"`peel {kind}` (forked), a line typed inside", "peel after", TYPED),
    ):
        yield Row.of(what, found[name], PEER, found[PEER], most)


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
        yield Row.of(f"`{line}` (a bridge)", found[verb], peer, found[peer])
