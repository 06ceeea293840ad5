"""Reports in the Test Anything Protocol 14.

https://testanything.org/tap-version-14-specification.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shellplay.stage.report.report import Report, Verdict
from shellplay.stage.report.text import explain
from shellplay.views.sanitize import safe_line


def document(reports: Sequence[Report]) -> str:
    """Return all reports as one TAP document."""
    return "\n".join(_lines(reports)) + "\n"


def _lines(reports: Sequence[Report]) -> Iterator[str]:
    yield "TAP version 14"
    yield f"1..{len(reports)}"
    for number, report in enumerate(reports, 1):
        word = "not ok" if report.failed else "ok"
        skip = f" # SKIP {_escape(report.reason)}" if report.verdict is Verdict.SKIPPED else ""
        yield f"{word} {number} - {_escape(report.path)}{skip}"
        if report.failed:
            yield from (f"# {line}" for line in explain(report).splitlines())


def _escape(text: str) -> str:
    return safe_line(text).replace("\\", "\\\\").replace("#", "\\#")
