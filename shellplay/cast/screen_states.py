"""The screen after each event of a performance, as the terminal emulator pyte draws it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, cast

from shellplay.cast.events import Ended, Event, Resized, Typed
from shellplay.cast.terminal import Terminal
from shellplay.errors import UsageError
from shellplay.views.control_sequences import ControlSequenceFilter

if TYPE_CHECKING:
    import pyte

# Seconds: events nearer to each other share a frame, since no viewer sees them apart.
FRAME_SECONDS = 0.02
MAX_SIDE = 500
_STYLE_FIELDS = attrgetter(
    "fg", "bg", "bold", "italics", "underscore", "strikethrough", "reverse"
)


@dataclass(frozen=True, slots=True)
class Style:
    """The style of characters; a colour is a name, six hex digits, or "" for the default."""

    foreground: str = ""
    background: str = ""
    bold: bool = False
    italic: bool = False
    underlined: bool = False
    struck: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """Adjacent characters of one style, ``cells`` wide, from cell ``column`` (from 0)."""

    column: int
    text: str
    style: Style
    cells: int


Row = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """One screen: ``changed`` has the rows that differ from the frame before, by number from 0.

    ``cursor`` is (row, column), None if hidden; ``columns`` and ``rows`` are the size of the
    terminal.  ``typing`` is true while a line is typed, until its Enter.
    """

    time: float
    changed: dict[int, Row]
    cursor: tuple[int, int] | None
    columns: int
    rows: int
    typing: bool = False


class FrameRenderer:
    """Turns events into frames; narration is not drawn, since the page shows it elsewhere.

    Raises `UsageError` if pyte is not installed.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self._screen = _screen(columns, rows)
        self._terminal = Terminal(columns, narrate=False)
        self._drawing = ControlSequenceFilter()
        self._stream = _stream(self._screen)

    def feed(self, event: Event) -> Frame | None:
        """Return the frame after one event; None if the event draws nothing."""
        if isinstance(event, Resized):
            self._resize(min(event.columns, MAX_SIDE), min(event.rows, MAX_SIDE))
        text = self._terminal.characters(event)
        text += self._terminal.finish() if isinstance(event, Ended) else ""
        self._stream.feed(self._drawing.feed(text))
        if not (text or isinstance(event, Resized)):
            return None
        typing = isinstance(event, Typed) and not text.endswith("\n")
        return self._frame(event.time, typing=typing)

    def frames(
        self, events: Iterator[Event], *, min_seconds: float = FRAME_SECONDS
    ) -> Iterator[Frame]:
        """Yield the frames of a performance; frames within ``min_seconds`` become one."""
        pending: Frame | None = None
        for event in events:
            frame = self.feed(event)
            if frame is None:
                continue
            if pending is not None and frame.time - pending.time < min_seconds:
                frame = merge_frames(pending, frame)
            elif pending is not None:
                yield pending
            pending = frame
        if pending is not None:
            yield pending

    def _resize(self, columns: int, rows: int) -> None:
        screen = self._screen
        if rows < screen.lines:
            # pyte always removes rows at the top. A terminal first removes the rows below
            # the cursor, then rows at the top. So do this here, before pyte resizes.
            removed = max(screen.cursor.y + 1 - rows, 0)
            lines = {number - removed: line for number, line in screen.buffer.items()}
            screen.buffer.clear()
            screen.buffer.update((n, line) for n, line in lines.items() if 0 <= n < rows)
            screen.cursor.y -= removed
            screen.lines = rows
        screen.resize(rows, columns)
        screen.set_margins()
        screen.ensure_hbounds()
        screen.dirty.update(range(rows))

    def _frame(self, time: float, *, typing: bool) -> Frame:
        screen = self._screen
        numbers = sorted(number for number in screen.dirty if number < screen.lines)
        screen.dirty.clear()
        cursor = None if screen.cursor.hidden else (screen.cursor.y, screen.cursor.x)
        changed = {number: self._row(number) for number in numbers}
        return Frame(time, changed, cursor, screen.columns, screen.lines, typing)

    def _row(self, number: int) -> Row:
        line = self._screen.buffer[number]
        # The buffer has no cells to the right of the last written one; they are blank.
        written = min(max(line, default=-1) + 1, self._screen.columns)
        cells = [line[column] for column in range(written)]
        spans: list[Span] = []
        column = 0
        for fields, group in groupby(cells, _STYLE_FIELDS):
            texts = [cell.data for cell in group]
            spans.append(Span(column, "".join(texts), _style(fields), len(texts)))
            column += len(texts)
        while spans and not spans[-1].text.strip(" ") and not spans[-1].style.background:
            spans.pop()
        return tuple(spans)


def merge_frames(first: Frame, second: Frame) -> Frame:
    """Return the changes of two frames as one frame, at the time of the first."""
    same_size = first.rows == second.rows
    changed = {**first.changed, **second.changed} if same_size else second.changed
    return replace(second, time=first.time, changed=changed)


@lru_cache(maxsize=4096)
def _style(fields: tuple[str, str, bool, bool, bool, bool, bool]) -> Style:
    foreground, background = ("" if name == "default" else name for name in fields[:2])
    bold, italic, underlined, struck, reverse = fields[2:]
    if reverse:
        foreground, background = background or "background", foreground or "foreground"
    return Style(foreground, background, bold, italic, underlined, struck)


def _screen(columns: int, rows: int) -> pyte.Screen:
    try:
        import pyte
    except ImportError:
        raise UsageError(
            "pages and pictures need a terminal emulator", "pip install 'shellplay[html]'"
        ) from None
    return pyte.Screen(min(columns, MAX_SIDE), min(rows, MAX_SIDE))


def _stream(screen: pyte.Screen) -> pyte.Stream:
    import pyte

    return pyte.Stream(cast(pyte.Screen, _LenientScreen(screen)))


class _LenientScreen:
    """A screen that ignores the control sequences for which pyte raises an exception.

    Such a sequence has too many parameters (``CSI 1;2;3 A``), a private mark (``CSI ? m``)
    or an unknown area to erase (``CSI 9 J``).
    """

    def __init__(self, screen: pyte.Screen) -> None:
        self._screen = screen

    def __getattr__(self, name: str) -> Callable[..., None]:
        method = getattr(self._screen, name)
        signature = inspect.signature(method)

        def call(*parameters: object, **marks: object) -> None:
            try:
                signature.bind(*parameters, **marks)
            except TypeError:
                return
            if name.startswith("erase_in_") and parameters and parameters[0] not in range(4):
                return
            method(*parameters, **marks)

        return method if name == "draw" else call
