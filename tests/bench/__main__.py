"""``python -m tests.bench [GROUP...]``: prints the table of measurements."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from tests.bench import (
    covering,
    crowd,
    fencing,
    images,
    looking,
    relaying,
    running,
    starting,
)
from tests.bench.table import Row, machine, table

HEADING = """# What it costs

Medians, beside the tools that people use today, which take turns with ours in the same run. The
budgets are ratios, because seconds differ from machine to machine. This page is what
`python -m tests.bench --ipython > docs/benchmark.md` printed.
"""
GROUPS: dict[str, Callable[[int], Iterator[Row]]] = {
    "fencing": fencing.rows,
    "covering": covering.rows,
    "bridge": fencing.bridged,
    "starting": starting.rows,
    "running": running.rows,
    "looking": looking.rows,
    "images": images.rows,
    "relaying": relaying.rows,
    "crowd": crowd.rows,
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("group", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    options.add_argument("--rounds", type=int, default=20, help="calls for each median")
    options.add_argument(
        "--ipython", action="store_true", help="install IPython in a venv of its own, once"
    )
    return options


def main() -> int:
    """Measure the groups that were asked for; return 1 if a budget was not met."""
    options = parser().parse_args()
    unknown = set(options.group) - set(GROUPS)
    if unknown:
        parser().error(f"no group {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    if options.ipython:
        starting.install_ipython()
    heading = machine()
    rows: list[Row] = []
    for name in options.group or GROUPS:
        print(f"tests.bench: measuring {name}", file=sys.stderr, flush=True)
        rows += GROUPS[name](options.rounds)
    print(f"{HEADING}\n{heading}\n\n{table(rows)}")
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
