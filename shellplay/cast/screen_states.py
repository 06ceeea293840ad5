"""What is on the screen after each event, drawn by a terminal emulator, pyte."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, cast

from shellplay.cast.events import Ended, Event, Resized, Typed
from shellplay.cast.harmless import Harmless
from shellplay.cast.terminal import Terminal
from shellplay.errors import UsageError

if TYPE_CHECKING:
    import pyte

# Events nearer to each other than an eye can see make one frame.
GLIMPSE = 0.02
LARGEST = 500
_LOOK = attrgetter("fg", "bg", "bold", "italics", "underscore", "strikethrough", "reverse")


@dataclass(frozen=True, slots=True)
class Style:
    """How characters look; a colour is "" for the usual one, a name, or six hex digits."""

    front: str = ""
    back: str = ""
    bold: bool = False
    italic: bool = False
    underlined: bool = False
    struck: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring characters of one look, ``column`` cells from the left."""

    column: int
    text: str
    style: Style
    cells: int


Row = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """The screen at a time: the rows that changed, by number, and the cursor.

    ``typing`` is true in the middle of a line that somebody types; ``cursor`` is (row,
    column), or None if it is hidden; ``columns`` and ``rows`` are the size.
    """

    time: float
    changed: dict[int, Row]
    cursor: tuple[int, int] | None
    columns: int
    rows: int
    typing: bool = False


class Screens:
    """Turns events into frames; prose is left to whoever shows it elsewhere.

    Raises UsageError if the terminal emulator is not installed.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self._screen = _screen(columns, rows)
        self._terminal = Terminal(columns, narrate=False)
        self._harmless = Harmless()
        self._stream = _stream(self._screen)

    def feed(self, event: Event) -> Frame | None:
        """Return what one event changed, or None if it shows nothing."""
        if isinstance(event, Resized):
            self._resize(min(event.columns, LARGEST), min(event.rows, LARGEST))
        text = self._terminal.characters(event)
        text += self._terminal.rest() if isinstance(event, Ended) else ""
        self._stream.feed(self._harmless.feed(text))
        if not (text or isinstance(event, Resized)):
            return None
        typing = isinstance(event, Typed) and not text.endswith("\n")
        return self._frame(event.time, typing=typing)

    def frames(self, events: Iterator[Event], *, glimpse: float = GLIMPSE) -> Iterator[Frame]:
        """Yield the frames of a whole performance; nearer ones than ``glimpse`` are joined."""
        waiting: Frame | None = None
        for event in events:
            frame = self.feed(event)
            if frame is None:
                continue
            if waiting is not None and frame.time - waiting.time < glimpse:
                frame = joined(waiting, frame)
            elif waiting is not None:
                yield waiting
            waiting = frame
        if waiting is not None:
            yield waiting

    def _resize(self, columns: int, rows: int) -> None:
        screen = self._screen
        if rows < screen.lines:
            # Rows above the cursor go only if those below it are not enough; pyte would cut
            # off the top, wherever the cursor is.
            lost = max(screen.cursor.y + 1 - rows, 0)
            lines = {number - lost: line for number, line in screen.buffer.items()}
            screen.buffer.clear()
            screen.buffer.update((n, line) for n, line in lines.items() if 0 <= n < rows)
            screen.cursor.y -= lost
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
        # The cells beyond those that were ever written are blanks.
        written = min(max(line, default=-1) + 1, self._screen.columns)
        cells = [line[column] for column in range(written)]
        spans: list[Span] = []
        column = 0
        for look, group in groupby(cells, _LOOK):
            texts = [cell.data for cell in group]
            spans.append(Span(column, "".join(texts), _style(look), len(texts)))
            column += len(texts)
        while spans and not spans[-1].text.strip(" ") and not spans[-1].style.back:
            spans.pop()
        return tuple(spans)


def joined(first: Frame, then: Frame) -> Frame:
    """Return two frames as one, at the time of the first."""
    changed = then.changed if first.rows != then.rows else {**first.changed, **then.changed}
    return Frame(first.time, changed, then.cursor, then.columns, then.rows, then.typing)


@lru_cache(maxsize=4096)
def _style(look: tuple[str, str, bool, bool, bool, bool, bool]) -> Style:
    front, back = ("" if name == "default" else name for name in look[:2])
    bold, italic, underlined, struck, reverse = look[2:]
    if reverse:
        front, back = back or "background", front or "foreground"
    return Style(front, back, bold, italic, underlined, struck)


def _screen(columns: int, rows: int) -> pyte.Screen:
    try:
        import pyte
    except ImportError:
        raise UsageError(
            "pages and pictures need a terminal emulator", "pip install 'shellplay[html]'"
        ) from None
    return pyte.Screen(min(columns, LARGEST), min(rows, LARGEST))


def _stream(screen: pyte.Screen) -> pyte.Stream:
    import pyte

    return pyte.Stream(cast(pyte.Screen, _Lenient(screen)))


class _Lenient:
    """A screen that passes over control sequences which pyte takes for others and dies of.

    These have parameters too many (``CSI 1;2;3 A``), a private mark (``CSI ? m``), or name
    something to erase that there is not (``CSI 9 J``).
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
