"""``python -m tests.bench [GROUP...]``: prints the table of measurements."""

from __future__ import annotations

import argparse
import os
import subprocess
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
from tests.bench.table import Row, machine, merged, table
from tests.delegation import set_apart

HEADING = """# What it costs

Medians, beside the tools that people use today, which take turns with ours in the same run. The
budgets are ratios, because seconds differ from machine to machine; of several runs the slowest
must keep them, too. CPU time is that of all processes that take part. This page is what
`python -m tests.bench --ipython --runs 3 > docs/benchmark.md` printed.
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
        "--runs", type=int, default=1, help="measure so often, and say the slowest ratio, too"
    )
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
    _compile()
    with set_apart():
        runs = [
            _measure(options.group or [*GROUPS], options.rounds) for _ in range(options.runs)
        ]
    rows = merged(runs)
    print(f"{HEADING}\n{heading}\n\n{table(rows)}")
    return int(any(row.met is False for row in rows))


def _compile() -> None:
    """Have Python find compiled modules, as it does wherever shellplay is installed."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([sys.executable, "-m", "compileall", "-q", "shellplay"], check=False)


def _measure(groups: list[str], rounds: int) -> list[Row]:
    rows: list[Row] = []
    for name in groups:
        print(f"tests.bench: measuring {name}", file=sys.stderr, flush=True)
        rows += GROUPS[name](rounds)
    return rows


if __name__ == "__main__":
    sys.exit(main())
