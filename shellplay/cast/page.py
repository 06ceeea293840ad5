"""One HTML file that plays a performance, with its fences and processes in a panel."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from string import Template

from shellplay.cast import palette
from shellplay.cast.events import (
    Event,
    Heading,
    Narration,
    Output,
    Prompt,
    Scene,
    Typed,
)
from shellplay.cast.panel import panel
from shellplay.cast.prose_html import html_of
from shellplay.cast.screen_states import Frame, FrameRenderer, Row, Style
from shellplay.views.control_sequences import strip_sequences
from shellplay.views.sanitize import safe, safe_line


def page(
    events: Iterable[Event], *, title: str = "shellplay", columns: int = 80, rows: int = 24
) -> str:
    """Return the HTML of a performance; ``columns`` and ``rows`` are the first terminal size.

    Raises `Refused` or `UsageError` if a package of the ``html`` extra is missing.
    """
    performed = list(events)
    frame_table = FrameTable.of(performed, columns, rows)
    headings = [event for event in performed if isinstance(event, Heading)]
    style = "\n".join([_file("page.css"), _colors(frame_table.styles)])
    script = _file("page.js")
    data = {
        "columns": columns,
        "rows": rows,
        "duration": round(max((event.time for event in performed), default=0.0), 3),
        "lines": frame_table.lines,
        "frames": frame_table.frames,
        "headings": [[round(each.time, 3), safe_line(each.title)] for each in headings],
        "narration": list(_narration(performed)),
        "scenes": list(_scenes(performed)),
    }
    return Template(_file("page.html")).substitute(
        title=escape(safe_line(title)),
        policy=_policy(style, script),
        style=style,
        script=script,
        data=json.dumps(data, ensure_ascii=False).replace("<", r"\u003c"),
        chapters="\n".join(_chapters(headings)),
        transcript="\n".join(_transcript(performed)),
    )


@dataclass(slots=True)
class FrameTable:
    """The frames of a performance as JSON, with each different row of the screen once.

    - ``styles``: all styles; the number of a style is its index.
    - ``lines``: all different rows, each a list of ``[text, style number]``.
    - ``frames``: ``[time, typing, [[row number, line number]...], cursor, columns, rows]``.
    """

    styles: list[Style] = field(default_factory=lambda: [Style()])
    lines: list[list[list[object]]] = field(default_factory=lambda: [[]])
    frames: list[list[object]] = field(default_factory=list)
    _line_numbers: dict[Row, int] = field(default_factory=lambda: {(): 0})
    _style_numbers: dict[Style, int] = field(default_factory=lambda: {Style(): 0})

    @classmethod
    def of(cls, events: list[Event], columns: int, rows: int) -> FrameTable:
        """Return all frames of a performance; raises `UsageError` without the extra."""
        frame_table = cls()
        for frame in FrameRenderer(columns, rows).frames(iter(events)):
            frame_table.frames.append(frame_table._frame(frame))
        return frame_table

    def _frame(self, frame: Frame) -> list[object]:
        changed = [[number, self._line(row)] for number, row in frame.changed.items()]
        time = round(frame.time, 3)
        return [time, int(frame.typing), changed, frame.cursor, frame.columns, frame.rows]

    def _line(self, row: Row) -> int:
        if row not in self._line_numbers:
            self._line_numbers[row] = len(self.lines)
            self.lines.append([[span.text, self._style(span.style)] for span in row])
        return self._line_numbers[row]

    def _style(self, style: Style) -> int:
        if style not in self._style_numbers:
            self._style_numbers[style] = len(self.styles)
            self.styles.append(style)
        return self._style_numbers[style]


def _colors(styles: list[Style]) -> str:
    parts = []
    for media, scheme in (("light", palette.LIGHT), ("dark", palette.DARK)):
        screen = f":root{{--screen:#{scheme.background};--screen-ink:#{scheme.foreground}}}"
        rules = palette.css_rules(styles, scheme)
        parts.append(f"@media (prefers-color-scheme:{media}){{\n{screen}\n{rules}\n}}")
    return "\n".join(parts)


def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy that allows only this style sheet and this script."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src 'sha256-{_digest(style)}'",
            f"script-src 'sha256-{_digest(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _file(name: str) -> str:
    return files("shellplay.cast").joinpath(name).read_text(encoding="utf-8")


def _narration(events: list[Event]) -> Iterator[list[object]]:
    for event in events:
        if isinstance(event, Narration):
            yield [round(event.time, 3), html_of(event.markdown)]


def _scenes(events: list[Event]) -> Iterator[dict[str, object]]:
    before = None
    for event in events:
        if isinstance(event, Scene):
            yield panel(event, before)
            before = event


def _chapters(headings: list[Heading]) -> Iterator[str]:
    for number, heading in enumerate(headings):
        level = min(max(heading.level, 1), 3)
        yield (
            f'<li class="level{level}"><a href="#t={heading.time:.3f}" data-chapter="{number}">'
            f"{escape(safe_line(heading.title))}</a></li>"
        )


def _transcript(events: list[Event]) -> Iterator[str]:
    """Yield the performance as HTML to be read: headings, prose and terminal text."""
    terminal_text = ""
    for event in events:
        if isinstance(event, Heading | Narration) and terminal_text:
            yield _preformatted(terminal_text)
            terminal_text = ""
        match event:
            case Heading(title=title):
                yield f"<h3>{escape(safe_line(title))}</h3>"
            case Narration(markdown=markdown):
                yield html_of(markdown)
            case Prompt(text=text) | Typed(text=text) | Output(text=text):
                terminal_text += text
    if terminal_text:
        yield _preformatted(terminal_text)


def _preformatted(terminal_text: str) -> str:
    return f"<pre>{escape(safe(strip_sequences(terminal_text)))}</pre>"
