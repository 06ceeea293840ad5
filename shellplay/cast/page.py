"""A page that plays a performance beside its fences and processes, in one HTML file."""

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
from shellplay.cast.harmless import plain
from shellplay.cast.panel import panel
from shellplay.cast.prose_html import html_of
from shellplay.cast.screen_states import Frame, Row, Screens, Style
from shellplay.views.sanitize import safe, safe_line


def page(
    events: Iterable[Event], *, title: str = "shellplay", columns: int = 80, rows: int = 24
) -> str:
    """Return the page of a performance; raises Refused if the ``html`` extra is missing."""
    performed = list(events)
    film = Film.of(performed, columns, rows)
    headings = [event for event in performed if isinstance(event, Heading)]
    style = "\n".join([_file("page.css"), _colors(film.styles)])
    script = _file("page.js")
    data = {
        "columns": columns,
        "rows": rows,
        "duration": round(max((event.time for event in performed), default=0.0), 3),
        "lines": film.lines,
        "frames": film.frames,
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
class Film:
    """The frames as JSON: each different row is a line of ``lines`` and has a number.

    A line is a list of ``[text, style]``; a frame ``[time, typing, [[row, line]...],
    cursor, columns, rows]``.
    """

    styles: list[Style] = field(default_factory=lambda: [Style()])
    lines: list[list[list[object]]] = field(default_factory=lambda: [[]])
    frames: list[list[object]] = field(default_factory=list)
    _numbers: dict[Row, int] = field(default_factory=lambda: {(): 0})
    _styles: dict[Style, int] = field(default_factory=lambda: {Style(): 0})

    @classmethod
    def of(cls, events: list[Event], columns: int, rows: int) -> Film:
        """Return the film of a performance."""
        film = cls()
        for frame in Screens(columns, rows).frames(iter(events)):
            film.frames.append(film._frame(frame))
        return film

    def _frame(self, frame: Frame) -> list[object]:
        changed = [[number, self._line(row)] for number, row in frame.changed.items()]
        time = round(frame.time, 3)
        return [time, int(frame.typing), changed, frame.cursor, frame.columns, frame.rows]

    def _line(self, row: Row) -> int:
        if row not in self._numbers:
            self._numbers[row] = len(self.lines)
            self.lines.append([[span.text, self._style(span.style)] for span in row])
        return self._numbers[row]

    def _style(self, style: Style) -> int:
        if style not in self._styles:
            self._styles[style] = len(self.styles)
            self.styles.append(style)
        return self._styles[style]


def _colors(styles: list[Style]) -> str:
    parts = []
    for media, scheme in (("light", palette.LIGHT), ("dark", palette.DARK)):
        usual = f":root{{--screen:#{scheme.back};--screen-ink:#{scheme.front}}}"
        rules = palette.rules(styles, scheme)
        parts.append(f"@media (prefers-color-scheme:{media}){{\n{usual}\n{rules}\n}}")
    return "\n".join(parts)


def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy under which nothing runs but our two texts."""
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
    """Yield the session as sections, prose and what stood in the terminal."""
    shown = ""
    for event in events:
        if isinstance(event, Heading | Narration) and shown:
            yield _block(shown)
            shown = ""
        match event:
            case Heading(title=title):
                yield f"<h3>{escape(safe_line(title))}</h3>"
            case Narration(markdown=markdown):
                yield html_of(markdown)
            case Prompt(text=text) | Typed(text=text) | Output(text=text):
                shown += text
    if shown:
        yield _block(shown)


def _block(shown: str) -> str:
    return f"<pre>{escape(safe(plain(shown)))}</pre>"
