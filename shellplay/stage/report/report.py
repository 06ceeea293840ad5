"""Reports on performed recipes as values, and the exit status that they result in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The result of a recipe or of one of its steps."""

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
    """The report on one step.

    - ``line``: the line of the step in the recipe.
    - ``actor``: as in the recipe, with the name of the container.
    - ``text``: the command, with a value in the place of each named tag.
    - ``seconds``: how long the step took.
    - ``difference``: lines that begin with ``-`` (expected), ``+`` (output) or a blank (both).
    - ``reason``: why the step failed or was skipped, or "".
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
    """The report on one recipe.

    - ``line``: the line of the failed step; 0: no step failed, or the line is unknown.
    - ``bindings``: each name with its value and the line that bound it.
    - ``terminals``: the label of each container, with the last bytes of its terminal, escaped.
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
        """Whether the recipe is bad, differed or timed out."""
        return self.verdict in FAILED

    @property
    def name(self) -> str:
        """The title of the recipe, or its path if the title is empty."""
        return self.title or self.path


def exit_status(reports: Sequence[Report]) -> int:
    """Return the exit status of a program that performed these recipes.

    It is that of the worst verdict.  A skipped recipe counts only if all are skipped.
    """
    verdicts = {report.verdict for report in reports}
    for verdict in FAILED:
        if verdict in verdicts:
            return EXIT_STATUS[verdict]
    return EXIT_STATUS[Verdict.SKIPPED] if verdicts == {Verdict.SKIPPED} else 0
