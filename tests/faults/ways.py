"""The ways on which calls fail, and a look at what is left after each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.faults.ending import faults_of
from tests.faults.injector import Outcome, run
from tests.leftovers import read_traces
from tests.repl.program import environment
from tests.waiting import wait_until

# FILE is a new path for each run.
WAYS: Mapping[str, tuple[str, ...]] = {
    "new": ("-c", "new a; in echo one"),
    "uts": ("-c", "fence uts; peel uts"),
    "pid": ("-c", "fence pid; in true; peel pid"),
    "docker": ("-c", "fence docker"),
    "run": ("run", "host", "true"),
    "replay": ("replay", "2"),
    "cast": ("replay", "--cast", "FILE", "2"),
    "record": ("-c", "record start FILE.play.md; new; in true; record stop"),
}
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Fault:
    """One run with a fault: what was wrong with its end, and what it wrote."""

    way: str
    kind: str
    nth: int
    lasting: bool
    outcome: Outcome
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        failed = "; ".join(self.outcome.failed[:2]) or "no call failed"
        last = " every" if self.lasting else ""
        return (
            f"{self.way}: {self.kind}{last} {self.nth}: {', '.join(self.wrong)}\n"
            f"  {failed}\n  status {self.outcome.status}, it wrote:\n"
            + "\n".join(f"    {line}" for line in self.outcome.stderr.splitlines()[-8:])
        )


def calls_on(way: str, kind: str) -> int:
    """Return how many calls of a kind there are on a way if none fails."""
    with scratch() as directory:
        done = run(words(way, directory), kind, 0, environment=surroundings(directory))
    assert done.returncode == 0, done.stderr
    return done.calls


def fault(way: str, kind: str, nth: int, *, lasting: bool = False) -> Fault:
    """Run a way while the ``nth`` call of a kind fails, and look at its end."""
    with scratch() as directory:
        temporary = directory / "tmp"
        before = read_traces(temporary)
        around = surroundings(directory)
        outcome = run(words(way, directory), kind, nth, lasting=lasting, environment=around)
        wrong = ["it did not end"] if outcome.status is None else faults_of(outcome)
        left: list[str] = []

        def clean() -> bool:
            left[:] = read_traces(temporary).difference(before)
            return not left

        # What ends by itself ends a moment after the program.
        with suppress(AssertionError):
            wait_until(clean, "nothing left", timeout=PATIENCE_SECONDS)
        return Fault(way, kind, nth, lasting, outcome, (*wrong, *(f"left: {e}" for e in left)))


def words(way: str, directory: Path) -> list[str]:
    """Return the words of a way, with FILE in a directory."""
    return [word.replace("FILE", str(directory / "written")) for word in WAYS[way]]


def surroundings(directory: Path) -> dict[str, str]:
    """Return an environment whose home and temporary files are in a directory."""
    return environment(
        HOME=str(directory), TMPDIR=str(directory / "tmp"), PYTHONDONTWRITEBYTECODE="1",
        **{f"XDG_{name}_HOME": str(directory) for name in ("CACHE", "CONFIG", "DATA", "STATE")},
    )  # fmt: skip


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a directory with one for temporary files; each user may enter it."""
    with tempfile.TemporaryDirectory(prefix="faults-", dir="/tmp") as name:
        directory = Path(name)
        directory.chmod(0o755)
        (directory / "tmp").mkdir()
        yield directory


def sample(calls: int, most: int) -> list[int]:
    """Return at most so many numbers of calls, evenly from the first to the last."""
    if calls <= most or most == 1:
        return list(range(1, min(calls, most) + 1))
    return sorted({1 + round(n * (calls - 1) / (most - 1)) for n in range(most)})


def own_tag() -> str:
    """Return the environment variable by which our processes are known; set it if missing."""
    from tests.leftovers import TAG

    return os.environ.setdefault(TAG, f"faults-{os.getpid()}")
