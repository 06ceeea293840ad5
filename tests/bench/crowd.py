"""Rows: many containers in one playground; run as a program, the playground that has them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.clock import side_by_side
from tests.bench.lines import Typist, typed_lines
from tests.bench.table import Row

FEW = 2
SIZES = (100, 500)


def rows(rounds: int) -> Iterator[Row]:
    """Yield the memory for each container, and how ``ps host`` grows with them."""
    command = [sys.executable, "-m", "tests.bench.crowd", str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the crowd did not come together: {done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    for size in SIZES:
        memory = found[str(size)]["memory"]
        yield Row(f"memory for each of {size} idle containers", memory, "kB", budget=200)
    small, large = (found[str(size)]["looking"] for size in SIZES)
    what = f"`ps host` with {SIZES[1]} containers"
    peer = f"the same with {SIZES[0]}"
    yield Row(what, large, "ms", peer, small, SIZES[1] / SIZES[0] * 1.2)


def main() -> int:
    """Make containers, and print what they cost as JSON, for each of SIZES."""
    rounds = int(sys.argv[1])
    memory: dict[int, float] = {}
    looking: dict[int, float] = {}
    with typed_lines() as run:
        for size in (FEW, *SIZES):
            while len(run.playground.containers) < size:
                run("new")
            looking[size] = _look(run, rounds)
            memory[size] = _memory(run)
    found = {
        size: {
            "memory": (memory[size] - memory[FEW]) / (size - FEW),
            "looking": looking[size],
        }
        for size in SIZES
    }
    sys.stdout.write(json.dumps(found))
    return 0


def _look(run: Typist, rounds: int) -> float:
    return side_by_side({"look": lambda: run("ps host")}, rounds)["look"]


def _memory(run: Typist) -> float:
    """Return the kB that the REPL and the playground process share with nobody else."""
    pids = (run.playground.repl_pid, run.playground.playground_pid)
    rollups = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids]
    lines = [line for rollup in rollups for line in rollup.splitlines()]
    return sum(float(line.split()[1]) for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    sys.exit(main())
