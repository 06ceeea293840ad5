"""Reports as text for people: a line for each recipe, and all about those that failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from shellplay.stage.report.report import Report, StepReport, Verdict
from shellplay.views.sanitize import safe, safe_line

WORDS = {
    Verdict.PASSED: ("ok", "32"),
    Verdict.DIFFERED: ("FAILED", "31"),
    Verdict.TIMED_OUT: ("TIMEOUT", "31"),
    Verdict.BAD: ("BAD", "31"),
    Verdict.SKIPPED: ("skipped", "33"),
}
WIDEST = max(len(word) for word, _ in WORDS.values())
SIGNS = {"-": "31", "+": "32"}


def line(report: Report, *, color: bool = False) -> str:
    """Return one line: how it went, where it failed or why it was not performed."""
    word, code = WORDS[report.verdict]
    tail = f"{report.seconds:.2f} s" if report.verdict is Verdict.PASSED else report.reason
    if report.verdict is Verdict.PASSED and report.reason:
        tail = f"{tail}, {report.reason}"
    shown = " ".join(safe_line(tail).split("\\n"))
    return f"{_painted(word.ljust(WIDEST), code, color)}  {place(report)}  {shown}"


def place(report: Report) -> str:
    """Return the path, with the line that it failed at."""
    at = f":{report.line}" if report.line else ""
    return f"{safe_line(report.path)}{at}"


def explained(report: Report, *, color: bool = False) -> str:
    """Return all there is to know of a failure, in lines."""
    return "\n".join(_explained(report, color))


def summary(reports: Sequence[Report], seconds: float) -> str:
    """Return how many went how, and how long it took."""
    verdicts = Counter(report.verdict for report in reports)
    parts = [f"{verdicts[verdict]} {verdict}" for verdict in Verdict if verdicts[verdict]]
    return f"{count(len(reports), 'recipe')}: {', '.join(parts) or 'none'} in {seconds:.1f} s"


def _explained(report: Report, color: bool) -> Iterator[str]:
    yield f"{_painted(place(report), '1', color)}: {safe(report.reason)}"
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
    took = sum(step.seconds for step in report.steps)
    yield f"  {took:.2f} s in {count(len(report.steps), 'step')}"


def _step(step: StepReport, known: str, color: bool) -> Iterator[str]:
    first, *more = safe(step.text).splitlines() or [""]
    reason = "" if step.reason == known else f": {safe(step.reason)}"
    yield f"  line {step.line}, {step.seconds:.2f} s{reason}"
    yield f"  {step.actor} {first}"
    for each in more:
        yield f"  > {each}"
    for each in step.difference:
        yield f"  {_painted(safe_line(each), SIGNS.get(each[:1], ''), color)}"


def _painted(text: str, code: str, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color and code else text


def count(number: int, what: str) -> str:
    """Say a number of things."""
    return f"{number} {what}{'' if number == 1 else 's'}"
