"""Run the program that must leave nothing when it is killed, see tests.shell.survivor."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psutil

from tests.families import family, runs, wait_for_the_end


class Running(NamedTuple):
    """A program with a playground, and the PIDs that tests kill."""

    process: subprocess.Popen[str]
    repl: int
    playground: int
    bash: int
    family: list[psutil.Process]

    @property
    def bash_runs(self) -> bool:
        """Whether its bash still runs."""
        return any(runs(each) for each in self.family if each.pid == self.bash)


@contextmanager
def program(kinds: str, *lines: str) -> Iterator[Running]:
    """Run tests.shell.survivor during the block, then wait for its end."""
    words = [sys.executable, "-m", "tests.shell.survivor", kinds, *lines]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first, *numbers = process.stdout.readline().split()
        assert first == "ready"
        repl, playground, bash = map(int, numbers)
        running = Running(process, repl, playground, bash, family(playground))
        yield running
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)
    wait_for_the_end(running.family)
