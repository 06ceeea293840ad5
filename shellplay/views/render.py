"""Turn what a view returns into text for a terminal, a pipe or a file."""

from __future__ import annotations

from shellplay.views.drawing import Drawing, Line
from shellplay.views.sanitize import safe

_SGR = {
    "bold": "1",
    "ansired": "31",
    "ansigreen": "32",
    "ansiyellow": "33",
    "ansicyan": "36",
    "ansibrightblack": "90",
}


def render(thing: object, width: int, color: bool) -> str:
    """Return a drawing, a rich renderable or a string as text of lines up to ``width``.

    Without ``color`` there is no escape sequence in it.  A string is made safe and left to
    the terminal to wrap.
    """
    if isinstance(thing, str):
        return safe(thing, colors=color)
    if isinstance(thing, Drawing):
        draw = _colored if color else _plain
        return "".join(draw(line) + "\n" for line in thing.lines(width))
    return _with_rich(thing, width, color=color)


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


def _with_rich(thing: object, width: int, *, color: bool) -> str:
    # Imported here: it takes longer than everything else that a command like ps does.
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
        console.print(thing)
    return capture.get()
