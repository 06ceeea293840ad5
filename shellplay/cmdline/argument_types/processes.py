"""Argument types for processes and signals, in the form of kill(1)."""

import re
import signal
from collections.abc import Iterator, Sequence

from shellplay.cmdline.arguments import Argument, Candidate
from shellplay.errors import UsageError
from shellplay.nearest import did_you_mean, quoted
from shellplay.playground.playground import Playground

# The lengths bound what int() has to read.
NUMBER, TARGET = re.compile("[0-9]{1,2}"), re.compile("%?[0-9]{1,10}")


def signal_number(word: str) -> int:
    """Return the number of ``9``, ``KILL`` or ``SIGKILL``; raises UsageError."""
    if NUMBER.fullmatch(word) and int(word) in set(signal.Signals):
        return int(word)
    names = {one.name.removeprefix("SIG"): int(one) for one in signal.Signals}
    number = names.get(word.upper().removeprefix("SIG"))
    if number is None:
        upper = word.upper().removeprefix("SIG")
        fix = did_you_mean(upper, [n.lower() for n in names], "see signal(7)")
        raise UsageError(f"unknown signal {quoted(word)}", fix)
    return number


class SignalWord(Argument):
    """A signal behind a dash: ``-9``, ``-KILL``, ``-SIGKILL``."""

    def takes(self, word: str) -> bool:
        """Take words with one dash."""
        return len(word) > 1 and word[0] == "-" and word[1] != "-"

    def parse(self, words: Sequence[str], playground: Playground) -> int:
        """Return its number."""
        return signal_number(words[0][1:])

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the signals by name."""
        for one in signal.Signals:
            name = one.name.removeprefix("SIG")
            yield Candidate(f"-{name}", f"{int(one)}, {signal.strsignal(one) or name}")


class SignalName(SignalWord):
    """A signal as the value of an option: ``9``, ``KILL``, ``SIGKILL``."""

    def parse(self, words: Sequence[str], playground: Playground) -> int:
        """Return its number."""
        return signal_number(words[0])

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the signals by name."""
        return (
            Candidate(c.text[1:], c.description)
            for c in super().complete(before, word, playground)
        )


class Targets(Argument):
    """Processes to signal: host PIDs, or jobs of the live bash as ``%1``."""

    arity = "many"

    def parse(self, words: Sequence[str], playground: Playground) -> tuple[str, ...]:
        """Check the form of each word; kill(2) finds out whether the process exists."""
        for word in words:
            if not TARGET.fullmatch(word):
                raise UsageError(
                    f"{quoted(word)} is neither a host PID nor a job", "as in 4242 or %1"
                )
        return tuple(words)

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the jobs of the current container's bash."""
        if playground.current is not None:
            for job in playground.current.jobs():
                inside = "/".join(str(pid) for pid in job.inside[1:])
                yield Candidate(
                    str(job.pid), f"{job.command} ({inside} inside)" if inside else job.command
                )
