"""An SVG picture of a performance for a README, still or animated, with selectable text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

from shellplay.cast.events import Event
from shellplay.cast.palette import DARK, LIGHT, Scheme, css_rules, visible_colors
from shellplay.cast.screen_states import FrameRenderer, Row, Span, Style

# Units of the picture: width and height of a cell of a 14 px monospaced font; the margin
# around the text; the title bar.
CELL, LINE = 8.4, 19.6
MARGIN, BAR = 18, 48
FONT = "ui-monospace,'SF Mono','Cascadia Mono','DejaVu Sans Mono',Menlo,Consolas,monospace"
# Seconds: events nearer to each other share a frame, so that not each key makes one.
FRAME_SECONDS = 0.1
_NOT_XML = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class TimedRow:
    """A row of the screen from ``start`` to ``end`` in seconds; None: until the end."""

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
    animated: bool = False,
    speed: float = 1.0,
) -> str:
    """Return the last screen of a performance as SVG, or with ``animated`` all its screens.

    The animation runs once; it does not run for a viewer who prefers reduced motion.
    ``speed`` 2.0 plays it twice as fast.  Raises `UsageError` if pyte is not installed.
    """
    timed_rows, end = _timed_rows(events, columns, rows)
    if not animated:
        timed_rows = [replace(each, start=0.0) for each in timed_rows if each.end is None]
    lines = max((each.number + 1 for each in timed_rows), default=1)
    width, height = columns * CELL + 2 * MARGIN, lines * LINE + BAR + MARGIN
    styles = list(dict.fromkeys([Style(), *(s.style for each in timed_rows for s in each.row)]))
    name = _xml(title)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"'
            ' role="img" aria-labelledby="title text">',
            f'<title id="title">{name}</title>',
            f'<desc id="text">{_last_screen(timed_rows)}</desc>',
            f"<style>\n{_css(styles, timed_rows, end, speed)}\n</style>",
            f'<rect class="paper" x=".5" y=".5" width="{width - 1:g}" height="{height - 1:g}"'
            ' rx="10"/>',
            *(f'<circle class="dot" cx="{22 + 16 * n}" cy="20" r="5"/>' for n in range(3)),
            f'<text class="name" x="{width / 2:g}" y="25">{name}</text>',
            f'<g transform="translate({MARGIN} {BAR})" xml:space="preserve">',
            *_groups(timed_rows, {style: number for number, style in enumerate(styles)}),
            "</g>\n</svg>\n",
        ]
    )


def _timed_rows(
    events: Iterable[Event], columns: int, rows: int
) -> tuple[list[TimedRow], float]:
    """Return all rows that are not empty with their times, and the time of the last frame."""
    ended: list[TimedRow] = []
    current: dict[int, TimedRow] = {}
    time = 0.0
    for frame in FrameRenderer(columns, rows).frames(iter(events), min_seconds=FRAME_SECONDS):
        time = frame.time
        cleared = {number: () for number in current if number >= frame.rows}
        for number, row in {**frame.changed, **cleared}.items():
            old = current.get(number)
            if old is None or old.row != row:
                ended += [TimedRow(number, old.row, old.start, time)] if old else []
                current[number] = TimedRow(number, row, time, None)
    return [each for each in [*ended, *current.values()] if each.row], time


def _groups(rows: Iterable[TimedRow], styles: dict[Style, int]) -> Iterator[str]:
    animations = _animation_numbers(rows)
    for each in rows:
        y = each.number * LINE
        number = animations.get((each.start, each.end))
        yield f'<g class="k{number}">' if number is not None else "<g>"
        for span in each.row:
            yield from _span(span, y, styles[span.style])
        yield "</g>"


def _span(span: Span, y: float, style: int) -> Iterator[str]:
    if span.style.background:
        box = f'x="{span.column * CELL:g}" y="{y:g}" width="{span.cells * CELL:g}"'
        yield f'<rect class="b{style}" {box} height="{LINE:g}"/>'
    text = span.text.strip(" ")
    if text:
        before = len(span.text) - len(span.text.lstrip(" "))
        cells = span.cells - (len(span.text) - len(text))
        position = f'x="{(span.column + before) * CELL:g}" y="{y + 14:g}"'
        css_class = f' class="s{style}"' if style else ""
        # textLength makes the text as wide as its cells, whichever font the viewer has.
        yield f'<text{css_class} {position} textLength="{cells * CELL:g}">{_xml(text)}</text>'


def _css(styles: Sequence[Style], rows: Sequence[TimedRow], end: float, speed: float) -> str:
    parts = [
        f"text{{font:14px {FONT};white-space:pre}}",
        ".name{font:600 13px system-ui,sans-serif;text-anchor:middle}",
        _scheme_css(styles, LIGHT),
        f"@media (prefers-color-scheme:dark){{\n{_scheme_css(styles, DARK)}\n}}",
    ]
    animations = _animation_numbers(rows)
    hidden = [f".k{number}" for (_, end), number in animations.items() if end is not None]
    parts += [f"{','.join(hidden)}{{visibility:hidden}}"] if hidden else []
    if animations:
        keyframes = "\n".join(_keyframes(n, *times, end) for times, n in animations.items())
        timing = f"g{{animation:{end / speed:.1f}s step-end both}}"
        parts.append(
            f"@media (prefers-reduced-motion:no-preference){{\n{timing}\n{keyframes}\n}}"
        )
    return "\n".join(parts)


def _scheme_css(styles: Sequence[Style], scheme: Scheme) -> str:
    muted = scheme.named["brightblack"]
    backs = [
        f".b{number}{{fill:#{visible_colors(style, scheme)[1] or scheme.background}}}"
        for number, style in enumerate(styles)
        if style.background
    ]
    return "\n".join(
        [
            f"text{{fill:#{scheme.foreground}}}",
            f".paper{{fill:#{scheme.background};stroke:#{muted};stroke-opacity:.4}}",
            f".name{{fill:#{muted}}}",
            f".dot{{fill:#{muted};opacity:.45}}",
            *backs,
            css_rules(styles, scheme, paint="fill"),
        ]
    ).rstrip()


def _animation_numbers(rows: Iterable[TimedRow]) -> dict[tuple[float, float | None], int]:
    """Return a number for each pair of start and end, except for rows that always show."""
    pairs = dict.fromkeys((each.start, each.end) for each in rows)
    return {pair: number for number, pair in enumerate(pairs) if pair != (0.0, None)}


def _keyframes(number: int, start: float, end: float | None, total: float) -> str:
    stops = [(0.0, "hidden")] if start else []
    stops += [(100 * start / total, "visible")]
    stops += [(100 * end / total, "hidden")] if end is not None else []
    frames = "".join(
        f"{percent:.2f}%{{visibility:{visibility}}}" for percent, visibility in stops
    )
    return f"@keyframes k{number}{{{frames}}}\n.k{number}{{animation-name:k{number}}}"


def _last_screen(rows: Iterable[TimedRow]) -> str:
    last = sorted((each.number, each.row) for each in rows if each.end is None)
    return "\n".join(_xml("".join(span.text for span in row).rstrip()) for _, row in last)


def _xml(text: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", text))
