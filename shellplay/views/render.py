"""Render drawings, rich objects and strings as text for a terminal, a pipe or a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shellplay.views.sanitize import safe

if TYPE_CHECKING:
    from shellplay.views.drawing import Line

_DIM = "90"
_SGR = {
    "bold": "1",
    "ansired": "31",
    "ansigreen": "32",
    "ansiyellow": "33",
    "ansicyan": "36",
    "ansibrightblack": _DIM,
}


# Each has the width of the character that it replaces.
_ASCII = str.maketrans("╭╮╰╯├└│─…✓", "+++++`|-~x")


def render(renderable: object, width: int, color: bool, *, ascii: bool = False) -> str:
    """Return an object as text in lines of at most ``width`` cells.

    The object is a drawing, a rich renderable or a string.  Without ``color`` the text has
    no escape sequences.  With ``ascii`` the lines of a drawing are made of ASCII characters.
    A string is made safe, but not wrapped.
    """
    if isinstance(renderable, str):
        return safe(renderable, colors=color)
    # Imported here: most commands print sentences only.
    from shellplay.views.drawing import Drawing

    if isinstance(renderable, Drawing):
        draw = _colored if color else _plain
        text = "".join(draw(line) + "\n" for line in renderable.lines(width))
        return text.translate(_ASCII) if ascii else text
    return _with_rich(renderable, width, color=color)


def dimmed(text: str, parts: Iterable[str]) -> str:
    """Return safe text with some parts of it dim; a line may break between their words."""
    # Imported here: few commands have such parts.
    import re

    for part in parts:
        pattern = r"\s+".join(map(re.escape, part.split()))
        text = re.sub(pattern, lambda found: f"\x1b[{_DIM}m{found[0]}\x1b[0m", text, count=1)
    return text


def _plain(line: Line) -> str:
    return "".join(text for _, text in line).rstrip()


def _colored(line: Line) -> str:
    parts = [
        f"\x1b[{';'.join(_SGR[word] for word in style.split())}m{text}\x1b[0m"
        if style and text
        else text
        for style, text in line
    ]
    return "".join(parts).rstrip()


def _with_rich(renderable: object, width: int, *, color: bool) -> str:
    # Imported here: the import of rich takes longer than a whole command such as ps.
    import io

    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=color,
        no_color=not color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()
