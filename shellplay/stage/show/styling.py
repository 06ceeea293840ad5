"""Turn the events of a performance into text for the viewer's terminal.

A cast shows no headings and dim prose; the viewer sees both as in an article.
"""

from __future__ import annotations

from shellplay.cast.events import Event, Heading, Narration, Resized
from shellplay.cast.player import Modes
from shellplay.cast.terminal import PROSE_COLUMNS, Terminal
from shellplay.views.control_sequences import ControlSequenceFilter, strip_sequences
from shellplay.views.render import render
from shellplay.views.sanitize import safe
from shellplay.views.text_width import width

UNDERLINES = {1: "=", 2: "-"}


class EventRenderer:
    """Turns events into text; without ``color`` the text has no escape sequences."""

    def __init__(self, columns: int, *, color: bool) -> None:
        self._terminal = _ArticleTerminal(columns, color=color)
        self._drawing = ControlSequenceFilter()
        self._modes = Modes()
        self._color = color

    def resize(self, columns: int) -> None:
        """Lay out the next events for another number of columns."""
        self._terminal.resize(columns)

    def text(self, event: Event) -> str:
        """Return the text of one event; no escape sequence is cut in two."""
        shown = self._drawing.feed(self._terminal.characters(event))
        self._modes.feed(shown)
        # The terminal driver turns LF into CR LF here; a cast has no driver.
        return shown.replace("\r\n", "\n") if self._color else strip_sequences(shown)

    def finish(self) -> str:
        """Return the text for the end, which restores the modes of the terminal."""
        return self._terminal.finish() + (self._modes.reset_sequence() if self._color else "")


class _ArticleTerminal(Terminal):
    """A terminal that shows headings, too, and prose with an empty line around it."""

    def __init__(self, columns: int, *, color: bool) -> None:
        super().__init__(columns)
        self._color = color
        # Whether the last line is empty, or nothing is written yet.
        self._after_empty_line = True

    def resize(self, columns: int) -> None:
        """Lay out the next events for another number of columns."""
        self._columns = columns

    def characters(self, event: Event) -> str:
        """Return the characters of one event."""
        match event:
            case Heading(title=title, level=level):
                lines = self._lines(f"**{title}**" if title else "")
                if level in UNDERLINES:
                    lines.append(UNDERLINES[level] * width(strip_sequences(lines[-1])))
                return self._set_apart(lines)
            case Narration(markdown=markdown):
                return self._set_apart(self._lines(markdown))
            case Resized():
                # The terminal of the recipe has a new size, not that of the viewer.
                return ""
        text = super().characters(event)
        self._after_empty_line = self._after_empty_line and not text
        return text

    def _set_apart(self, lines: list[str]) -> str:
        """Return lines with an empty line before and after them."""
        before = "" if self._after_empty_line else "\n" if self._last == "\n" else "\n\n"
        self._after_empty_line = True
        return self._with_crlf(before + "\n".join(lines) + "\n\n")

    def _lines(self, markdown: str) -> list[str]:
        from rich.markdown import Markdown

        # The theme ansi_dark uses the sixteen colours of the terminal, so code is readable
        # on each background.
        article = Markdown(safe(markdown), code_theme="ansi_dark", hyperlinks=False)
        rendered = render(article, min(self._columns, PROSE_COLUMNS), self._color).strip("\n")
        return [line.rstrip() for line in rendered.splitlines()] or [""]
