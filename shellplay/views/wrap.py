"""Break long lines between words, where a terminal would break them within one."""

from __future__ import annotations

INDENT = "  "
NARROWEST = 20


def broken(text: str, width: int) -> str:
    """Return safe text in lines of at most ``width`` columns, where its words allow it.

    What goes on in the next line is indented more than where it began.  A line that has
    room stays as it is.
    """
    lines = text.split("\n")
    if width < NARROWEST or all(len(line) <= width for line in lines):
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
