"""Argument types for processes and signals, in the form of kill(1)."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from shellplay.cmdline.arguments import Argument, Candidate
from shellplay.errors import UsageError
from shellplay.kernel.signal_names import parse_signal, signal_names
from shellplay.nearest import quoted
from shellplay.playground.playground import NAME, Playground

if TYPE_CHECKING:
    from shellplay.container.container import Container

# The length bounds what int() has to read.
TARGET = re.compile("%?[0-9]{1,10}")


class SignalWord(Argument):
    """A signal behind a dash: ``-9``, ``-KILL``, ``-SIGKILL``."""

    def takes(self, word: str) -> bool:
        """Take words with one dash."""
        return len(word) > 1 and word[0] == "-" and word[1] != "-"

    def parse(self, words: Sequence[str], playground: Playground) -> int:
        """Return its number."""
        return parse_signal(words[0][1:])

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the signals by name."""
        for name in signal_names():
            number = parse_signal(name)
            yield Candidate(f"-{name}", f"{number}, {signal.strsignal(number) or name}")


class SignalName(SignalWord):
    """A signal as the value of an option: ``9``, ``KILL``, ``SIGKILL``."""

    def parse(self, words: Sequence[str], playground: Playground) -> int:
        """Return its number."""
        return parse_signal(words[0])

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the signals by name."""
        return (
            Candidate(c.text[1:], c.description)
            for c in super().complete(before, word, playground)
        )


class Targets(Argument):
    """What to signal: host PIDs, jobs of the live bash as ``%1``, or containers."""

    arity = "many"

    def parse(
        self, words: Sequence[str], playground: Playground
    ) -> tuple[str | Container, ...]:
        """Find the containers; kill(2) finds out whether a process exists."""
        return tuple(
            word if TARGET.fullmatch(word) else _container(word, playground) for word in words
        )

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the containers, and the jobs of the current one's bash."""
        for container in playground.containers:
            yield Candidate(container.label, "the first process of this container")
        if playground.current is not None:
            for job in playground.current.jobs():
                inside = "/".join(str(pid) for pid in job.inside[1:])
                yield Candidate(
                    str(job.pid), f"{job.command} ({inside} inside)" if inside else job.command
                )


def _container(word: str, playground: Playground) -> Container:
    if not NAME.fullmatch(word):
        raise UsageError(
            f"{quoted(word)} is neither a host PID nor a job nor a container",
            "as in 4242, %1 or web",
        )
    return playground.find(word)
