"""What came of recipes: values, and what they mean for an exit status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a recipe or one of its steps went."""

    PASSED = "passed"
    DIFFERED = "differed"
    TIMED_OUT = "timed out"
    BAD = "bad"
    SKIPPED = "skipped"


EXIT_STATUS = {
    Verdict.BAD: 2,
    Verdict.TIMED_OUT: 124,
    Verdict.DIFFERED: 1,
    Verdict.SKIPPED: 80,
    Verdict.PASSED: 0,
}
FAILED = (Verdict.BAD, Verdict.TIMED_OUT, Verdict.DIFFERED)


@dataclass(frozen=True, slots=True)
class StepReport:
    """How one step went.

    ``actor`` is as in the recipe, with the container's name; ``text`` is what was run, with
    values put in; ``difference`` are lines that begin with ``-`` (expected), ``+`` (came)
    or a blank; ``reason`` is a sentence, where there is one.
    """

    line: int
    actor: str
    text: str
    verdict: Verdict
    seconds: float = 0.0
    difference: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """How one recipe went.

    ``line`` is that of the step it failed at, 0 if that is not known; ``bindings`` are
    names, values and the lines that bound them; ``terminals`` are labels of containers and
    the last bytes that their terminals have shown, escaped.
    """

    path: str
    title: str
    verdict: Verdict
    reason: str = ""
    line: int = 0
    seconds: float = 0.0
    steps: tuple[StepReport, ...] = ()
    bindings: tuple[tuple[str, str, int], ...] = ()
    terminals: tuple[tuple[str, str], ...] = ()

    @property
    def failed(self) -> bool:
        """Whether something is wrong with it."""
        return self.verdict in FAILED

    @property
    def name(self) -> str:
        """Its title, or its path if it has none."""
        return self.title or self.path


def exit_status(reports: Sequence[Report]) -> int:
    """Return what a program that has performed these recipes is to exit with.

    0 if all passed, else that of the worst; skipped ones count only if there is no other.
    """
    verdicts = {report.verdict for report in reports}
    for verdict in FAILED:
        if verdict in verdicts:
            return EXIT_STATUS[verdict]
    return EXIT_STATUS[Verdict.SKIPPED] if verdicts == {Verdict.SKIPPED} else 0
