"""Reports as text for people: one line for each recipe, and all details of each failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from shellplay.stage.report.report import Report, StepReport, Verdict
from shellplay.views.sanitize import safe, safe_line

VERDICT_WORDS = {
    Verdict.PASSED: ("ok", "32"),
    Verdict.DIFFERED: ("FAILED", "31"),
    Verdict.TIMED_OUT: ("TIMEOUT", "31"),
    Verdict.BAD: ("BAD", "31"),
    Verdict.SKIPPED: ("skipped", "33"),
}
VERDICT_WIDTH = max(len(word) for word, _ in VERDICT_WORDS.values())
DIFFERENCE_COLORS = {"-": "31", "+": "32"}


def line(report: Report, *, color: bool = False) -> str:
    """Return one line: the verdict, the path, and the duration or the reason."""
    word, code = VERDICT_WORDS[report.verdict]
    tail = f"{report.seconds:.2f} s" if report.verdict is Verdict.PASSED else report.reason
    if report.verdict is Verdict.PASSED and report.reason:
        tail = f"{tail}, {report.reason}"
    one_line = " ".join(safe_line(tail).split("\\n"))
    return f"{_colored(word.ljust(VERDICT_WIDTH), code, color)}  {location(report)}  {one_line}"


def location(report: Report) -> str:
    """Return ``PATH:LINE`` of a report, or the path alone if the line is unknown."""
    line_number = f":{report.line}" if report.line else ""
    return f"{safe_line(report.path)}{line_number}"


def explain(report: Report, *, color: bool = False) -> str:
    """Return all details of a failure in lines: failed steps, bindings and terminals."""
    return "\n".join(_explanation(report, color))


def summary(reports: Sequence[Report], seconds: float) -> str:
    """Return one line: the number of recipes for each verdict, and the total duration."""
    verdicts = Counter(report.verdict for report in reports)
    parts = [f"{verdicts[verdict]} {verdict}" for verdict in Verdict if verdicts[verdict]]
    return f"{count(len(reports), 'recipe')}: {', '.join(parts) or 'none'} in {seconds:.1f} s"


def _explanation(report: Report, color: bool) -> Iterator[str]:
    yield f"{_colored(location(report), '1', color)}: {safe(report.reason)}"
    for step in report.steps:
        if step.verdict not in (Verdict.PASSED, Verdict.SKIPPED):
            yield from _step(step, report.reason, color)
    if report.bindings:
        yield "  bound:"
    for name, value, number in report.bindings:
        yield f"    {name}={safe_line(value)}" + (f" from line {number}" if number else "")
    for label, tail in report.terminals:
        yield f"  the terminal of {safe_line(label)} ends in:"
        yield f"    {safe_line(tail)}"
    seconds = sum(step.seconds for step in report.steps)
    yield f"  {seconds:.2f} s in {count(len(report.steps), 'step')}"


def _step(step: StepReport, known_reason: str, color: bool) -> Iterator[str]:
    first, *more = safe(step.text).splitlines() or [""]
    reason = "" if step.reason == known_reason else f": {safe(step.reason)}"
    yield f"  line {step.line}, {step.seconds:.2f} s{reason}"
    yield f"  {step.actor} {first}"
    for each in more:
        yield f"  > {each}"
    for each in step.difference:
        yield f"  {_colored(safe_line(each), DIFFERENCE_COLORS.get(each[:1], ''), color)}"


def _colored(text: str, code: str, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color and code else text


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the singular or plural."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
