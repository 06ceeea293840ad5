"""docs/why.md shows the refusals that are tested."""

from __future__ import annotations

import os
from pathlib import Path

from tests.refusal.refusals import AS_ANYONE, AS_ORDINARY, AS_ROOT

PAGE = Path(__file__).parents[2] / "docs" / "why.md"
HEAD = "| fences | line | call | error | cause |\n|---|---|---|---|---|\n"
LONGEST = 60


def table() -> str:
    """Return the table of the tested refusals in Markdown."""
    rows = []
    for fences, lines in (*AS_ROOT.items(), *AS_ANYONE.items(), *AS_ORDINARY.items()):
        for each in lines:
            capability = f" (CAP_{each.capability.upper()})" if each.capability else ""
            cause = ", ".join(each.cause) + capability if each.cause else f"none: {each.host}"
            line = each.line if len(each.line) <= LONGEST else f"{each.line[:LONGEST]}..."
            cells = (f"`{fences}`", f"`{line}`", f"`{each.call}`", each.error, cause)
            rows.append("| " + " | ".join(cells) + " |\n")
    return HEAD + "".join(rows)


def test_the_page_shows_the_refusals_that_are_tested() -> None:
    text = PAGE.read_text()
    if os.environ.get("SHELLPLAY_WRITE_DOCS"):
        PAGE.write_text(text.partition(HEAD)[0] + table())
        return
    assert table() in text, "run this test with SHELLPLAY_WRITE_DOCS=1"
