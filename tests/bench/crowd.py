"""Rows: many containers in one playground; as a program, this file is that playground."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench.clock import Spent, Watch, median, side_by_side
from tests.bench.lines import Typist, typed_lines
from tests.bench.table import Row

FEW = 2
SIZES = (100, 500)
# Of the largest, in ms.
BUDGETS = {"containers": 300, "quit": 5000}


def rows(rounds: int) -> Iterator[Row]:
    """Yield what a container adds: memory, time of ``ps host``, ``containers`` and ``quit``."""
    command = [sys.executable, "-m", "tests.bench.crowd", str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the crowd did not come together: {done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    for size in SIZES:
        memory = found[str(size)]["memory"]
        yield Row(f"memory for each of {size} idle containers", memory, "kB", budget=200)
    small, large = (Spent(*found[str(size)]["looking"]) for size in SIZES)
    with_all = f"with {SIZES[1]} containers"
    grown = SIZES[1] / SIZES[0] * 1.2
    yield Row.of(f"`ps host` {with_all}", large, f"the same with {SIZES[0]}", small, grown)
    for line, most in BUDGETS.items():
        wall, cpu = found[line]
        yield Row(f"`{line}` {with_all}", wall, "ms", budget=most, cpu=cpu)


def main() -> int:
    """Make containers, and print their cost as JSON, for each of SIZES."""
    rounds = int(sys.argv[1])
    memory: dict[int, float] = {}
    looking: dict[int, Spent] = {}
    with ExitStack() as held:
        run = held.enter_context(typed_lines())
        for size in (FEW, *SIZES):
            while len(run.playground.containers) < size:
                run("new")
            looking[size] = _time(run, "ps host", rounds)
            memory[size] = _memory(run)
        listing = _time(run, "containers", rounds)
        watch = Watch()
    ending = median([watch.spent()])
    found: dict[object, object] = {
        size: {
            "memory": (memory[size] - memory[FEW]) / (size - FEW),
            "looking": looking[size],
        }
        for size in SIZES
    }
    sys.stdout.write(json.dumps({**found, "containers": listing, "quit": ending}))
    return 0


def _time(run: Typist, line: str, rounds: int) -> Spent:
    return side_by_side({line: lambda: run(line)}, rounds)[line]


def _memory(run: Typist) -> float:
    """Return the private memory of the REPL and the monitor in kB."""
    pids = (run.playground.repl_pid, run.playground.playground_pid)
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    lines = [line for rollup in rollups for line in rollup.splitlines()]
    return sum(float(line.split()[1]) for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    sys.exit(main())
