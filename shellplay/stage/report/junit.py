"""Reports as JUnit XML, as CI systems read it: a test case for each recipe."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from shellplay.stage.report.report import Report, Verdict
from shellplay.stage.report.text import explained

NAMES = {
    Verdict.SKIPPED: "skipped",
    Verdict.DIFFERED: "failure",
    Verdict.TIMED_OUT: "failure",
    Verdict.BAD: "error",
}


def document(reports: Sequence[Report]) -> bytes:
    """Return all of them as one document, in UTF-8."""
    verdicts = [report.verdict for report in reports]
    numbers = {
        "tests": str(len(reports)),
        "failures": str(sum(NAMES.get(each) == "failure" for each in verdicts)),
        "errors": str(verdicts.count(Verdict.BAD)),
        "skipped": str(verdicts.count(Verdict.SKIPPED)),
        "time": f"{sum(report.seconds for report in reports):.3f}",
    }
    suites = ElementTree.Element("testsuites", numbers)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": "shellplay", **numbers})
    for report in reports:
        _add(suite, report)
    ElementTree.indent(suites)
    text: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _add(suite: ElementTree.Element, report: Report) -> None:
    about = {
        "classname": _valid(report.path.removesuffix(".play.md").replace("/", ".").strip(".")),
        "name": _valid(report.name),
        "file": _valid(report.path),
        "time": f"{report.seconds:.3f}",
    }
    case = ElementTree.SubElement(suite, "testcase", about)
    if name := NAMES.get(report.verdict):
        found = ElementTree.SubElement(case, name, {"message": _valid(report.reason)})
        if report.failed:
            found.text = _valid(explained(report))


def _valid(text: str) -> str:
    """Spell out what no XML document may hold."""
    return "".join(
        each
        if each in "\t\n"
        or " " <= each < "\ud800"
        or "\ue000" <= each < "\ufffe"
        or each > "\uffff"
        else each.encode("unicode_escape", "backslashreplace").decode()
        for each in text
    )
