"""Turn prose into events: each heading, and the Markdown between two headings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shellplay.cast.events import Heading, Narration
from shellplay.recipe.document import Prose

HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def narrate(prose: Prose, time: float) -> Iterator[Heading | Narration]:
    """Yield the headings of the prose and the text between them, all at this time.

    A line with # within a code block is not a heading.
    """
    lines: list[str] = []
    fence = ""
    for line in prose.text.splitlines():
        mark = FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        heading = None if fence else HEADING.fullmatch(line)
        if heading is None:
            lines.append(line)
            continue
        yield from _narration(lines, time)
        lines = []
        yield Heading(time, heading[2] or "", len(heading[1]))
    yield from _narration(lines, time)


def _narration(lines: list[str], time: float) -> Iterator[Narration]:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        yield Narration(time, text)
