"""Prose as events: its headings by themselves, and what stands between them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shellplay.cast.events import Heading, Narration
from shellplay.recipe.document import Prose

HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def told(prose: Prose, time: float) -> Iterator[Heading | Narration]:
    """Yield headings and paragraphs in their order; what is in a code block stays there."""
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
        yield from _paragraphs(lines, time)
        lines = []
        yield Heading(time, heading[2] or "", len(heading[1]))
    yield from _paragraphs(lines, time)


def _paragraphs(lines: list[str], time: float) -> Iterator[Narration]:
    text = "\n".join(lines).strip("\n")
    if text.strip():
        yield Narration(time, text)
