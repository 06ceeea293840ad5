"""Wrap long lines between words; a terminal would break them within a word."""

from __future__ import annotations

INDENT = "  "
MIN_WIDTH = 20


def wrap(text: str, width: int) -> str:
    """Return safe text in lines of at most ``width`` columns; a longer word is not broken.

    A wrapped line has a larger indent from its second line on.  A line that fits stays as
    it is, and so does all text if ``width`` is below 20.
    """
    lines = text.split("\n")
    if width < MIN_WIDTH or all(len(line) <= width for line in lines):
        return text
    import textwrap

    parts = []
    for line in lines:
        margin = line[: len(line) - len(line.lstrip(" "))]
        parts += textwrap.wrap(
            line.lstrip(" "),
            width,
            initial_indent=margin,
            subsequent_indent=margin + INDENT,
            expand_tabs=False,
            replace_whitespace=False,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(parts)
