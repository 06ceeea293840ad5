"""A picture of a performance for a README: SVG of real text, still or moving."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

from shellplay.cast.events import Event
from shellplay.cast.palette import DARK, LIGHT, Scheme, painted, rules
from shellplay.cast.screen_states import Row, Screens, Span, Style

# In units of the picture: a cell of a monospaced font of 14, and what is around the text.
CELL, LINE = 8.4, 19.6
MARGIN, BAR = 18, 48
FONT = "ui-monospace,'SF Mono','Cascadia Mono','DejaVu Sans Mono',Menlo,Consolas,monospace"
# Keystrokes need no picture each.
GLIMPSE = 0.1
_NOT_XML = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of the screen and when it is there; it stays to the last if ``end`` is None."""

    number: int
    row: Row
    start: float
    end: float | None


def picture(
    events: Iterable[Event],
    *,
    title: str = "shellplay",
    columns: int = 80,
    rows: int = 24,
    moving: bool = False,
    speed: float = 1.0,
) -> str:
    """Return the last screen of a performance, or with ``moving`` all that led to it.

    A moving picture moves once and then rests, and not at all for who asks for less motion.
    Raises Refused if the ``html`` extra is missing.
    """
    shown, end = _intervals(events, columns, rows)
    if not moving:
        shown = [replace(each, start=0.0) for each in shown if each.end is None]
    lines = max((each.number + 1 for each in shown), default=1)
    width, height = columns * CELL + 2 * MARGIN, lines * LINE + BAR + MARGIN
    styles = list(dict.fromkeys([Style(), *(s.style for each in shown for s in each.row)]))
    name = _xml(title)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"'
            ' role="img" aria-labelledby="title text">',
            f'<title id="title">{name}</title>',
            f'<desc id="text">{_read_aloud(shown)}</desc>',
            f"<style>\n{_css(styles, shown, end, speed)}\n</style>",
            f'<rect class="paper" x=".5" y=".5" width="{width - 1:g}" height="{height - 1:g}"'
            ' rx="10"/>',
            *(f'<circle class="dot" cx="{22 + 16 * n}" cy="20" r="5"/>' for n in range(3)),
            f'<text class="name" x="{width / 2:g}" y="25">{name}</text>',
            f'<g transform="translate({MARGIN} {BAR})" xml:space="preserve">',
            *_drawn(shown, {style: number for number, style in enumerate(styles)}),
            "</g>\n</svg>\n",
        ]
    )


def _intervals(events: Iterable[Event], columns: int, rows: int) -> tuple[list[Shown], float]:
    """Return every row that is not empty with its times, and the time of the last frame."""
    shown: list[Shown] = []
    now: dict[int, Shown] = {}
    time = 0.0
    for frame in Screens(columns, rows).frames(iter(events), glimpse=GLIMPSE):
        time = frame.time
        lost = {number: () for number in now if number >= frame.rows}
        for number, row in {**frame.changed, **lost}.items():
            old = now.get(number)
            if old is None or old.row != row:
                shown += [Shown(number, old.row, old.start, time)] if old else []
                now[number] = Shown(number, row, time, None)
    return [each for each in [*shown, *now.values()] if each.row], time


def _drawn(shown: Iterable[Shown], numbers: dict[Style, int]) -> Iterator[str]:
    kinds = _kinds(shown)
    for each in shown:
        y = each.number * LINE
        kind = kinds.get((each.start, each.end))
        yield f'<g class="k{kind}">' if kind is not None else "<g>"
        for span in each.row:
            yield from _span(span, y, numbers[span.style])
        yield "</g>"


def _span(span: Span, y: float, style: int) -> Iterator[str]:
    if span.style.back:
        box = f'x="{span.column * CELL:g}" y="{y:g}" width="{span.cells * CELL:g}"'
        yield f'<rect class="b{style}" {box} height="{LINE:g}"/>'
    text = span.text.strip(" ")
    if text:
        before = len(span.text) - len(span.text.lstrip(" "))
        cells = span.cells - (len(span.text) - len(text))
        place = f'x="{(span.column + before) * CELL:g}" y="{y + 14:g}"'
        look = f' class="s{style}"' if style else ""
        # The cells decide how wide the text is, and not the font that happens to be there.
        yield f'<text{look} {place} textLength="{cells * CELL:g}">{_xml(text)}</text>'


def _css(styles: Sequence[Style], shown: Sequence[Shown], end: float, speed: float) -> str:
    parts = [
        f"text{{font:14px {FONT};white-space:pre}}",
        ".name{font:600 13px system-ui,sans-serif;text-anchor:middle}",
        _look(styles, LIGHT),
        f"@media (prefers-color-scheme:dark){{\n{_look(styles, DARK)}\n}}",
    ]
    kinds = _kinds(shown)
    gone = [f".k{kind}" for (_, end), kind in kinds.items() if end is not None]
    parts += [f"{','.join(gone)}{{visibility:hidden}}"] if gone else []
    if kinds:
        moves = "\n".join(_move(kind, *times, end) for times, kind in kinds.items())
        timing = f"g{{animation:{end / speed:.1f}s step-end both}}"
        parts.append(f"@media (prefers-reduced-motion:no-preference){{\n{timing}\n{moves}\n}}")
    return "\n".join(parts)


def _look(styles: Sequence[Style], scheme: Scheme) -> str:
    quiet = scheme.named["brightblack"]
    backs = [
        f".b{number}{{fill:#{painted(style, scheme)[1] or scheme.back}}}"
        for number, style in enumerate(styles)
        if style.back
    ]
    return "\n".join(
        [
            f"text{{fill:#{scheme.front}}}",
            f".paper{{fill:#{scheme.back};stroke:#{quiet};stroke-opacity:.4}}",
            f".name{{fill:#{quiet}}}",
            f".dot{{fill:#{quiet};opacity:.45}}",
            *backs,
            rules(styles, scheme, paint="fill"),
        ]
    ).rstrip()


def _kinds(shown: Iterable[Shown]) -> dict[tuple[float, float | None], int]:
    """Return a number for each pair of times, but for what is there all the time."""
    pairs = dict.fromkeys((each.start, each.end) for each in shown)
    return {pair: number for number, pair in enumerate(pairs) if pair != (0.0, None)}


def _move(kind: int, start: float, end: float | None, total: float) -> str:
    stops = [(0.0, "hidden")] if start else []
    stops += [(100 * start / total, "visible")]
    stops += [(100 * end / total, "hidden")] if end is not None else []
    frames = "".join(f"{percent:.2f}%{{visibility:{how}}}" for percent, how in stops)
    return f"@keyframes k{kind}{{{frames}}}\n.k{kind}{{animation-name:k{kind}}}"


def _read_aloud(shown: Iterable[Shown]) -> str:
    last = sorted((each.number, each.row) for each in shown if each.end is None)
    return "\n".join(_xml("".join(span.text for span in row).rstrip()) for _, row in last)


def _xml(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
