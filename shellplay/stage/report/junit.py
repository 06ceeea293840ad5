"""Reports as JUnit XML, which CI systems read: one test case for each recipe."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from shellplay.recipe.shipped import SUFFIX
from shellplay.stage.report.report import Report, Verdict
from shellplay.stage.report.text import explain

ELEMENT_NAMES = {
    Verdict.SKIPPED: "skipped",
    Verdict.DIFFERED: "failure",
    Verdict.TIMED_OUT: "failure",
    Verdict.BAD: "error",
}


def document(reports: Sequence[Report]) -> bytes:
    """Return all reports as one XML document, in UTF-8."""
    verdicts = [report.verdict for report in reports]
    counts = {
        "tests": str(len(reports)),
        "failures": str(sum(ELEMENT_NAMES.get(each) == "failure" for each in verdicts)),
        "errors": str(verdicts.count(Verdict.BAD)),
        "skipped": str(verdicts.count(Verdict.SKIPPED)),
        "time": f"{sum(report.seconds for report in reports):.3f}",
    }
    suites = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": "shellplay", **counts})
    for report in reports:
        _add(suite, report)
    ElementTree.indent(suites)
    text: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _add(suite: ElementTree.Element, report: Report) -> None:
    attributes = {
        "classname": _escape_forbidden(
            report.path.removesuffix(SUFFIX).replace("/", ".").strip(".")
        ),
        "name": _escape_forbidden(report.name),
        "file": _escape_forbidden(report.path),
        "time": f"{report.seconds:.3f}",
    }
    case = ElementTree.SubElement(suite, "testcase", attributes)
    if name := ELEMENT_NAMES.get(report.verdict):
        outcome = ElementTree.SubElement(
            case, name, {"message": _escape_forbidden(report.reason)}
        )
        if report.failed:
            outcome.text = _escape_forbidden(explain(report))


def _escape_forbidden(text: str) -> str:
    """Return the text with Python escapes for all characters that XML 1.0 forbids."""
    return "".join(
        each
        if each in "\t\n"
        or " " <= each < "\ud800"
        or "\ue000" <= each < "\ufffe"
        or each > "\uffff"
        else each.encode("unicode_escape", "backslashreplace").decode()
        for each in text
    )
