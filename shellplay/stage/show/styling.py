"""How a performance looks to a person: as a cast does, with its headings and its prose."""

from __future__ import annotations

from shellplay.cast.events import Event, Heading, Narration
from shellplay.cast.harmless import Harmless, plain
from shellplay.cast.player import Modes
from shellplay.cast.terminal import PROSE_COLUMNS, Terminal
from shellplay.views.render import render
from shellplay.views.sanitize import safe
from shellplay.views.text_width import width

RULES = {1: "=", 2: "-"}


class Look:
    """Turns events into what is written; without ``color`` there is no escape in it."""

    def __init__(self, columns: int, *, color: bool) -> None:
        self._terminal = _Article(columns, color=color)
        self._harmless = Harmless()
        self._modes = Modes()
        self._color = color

    def text(self, event: Event) -> str:
        """Return what is written for one event, in whole sequences."""
        shown = self._harmless.feed(self._terminal.characters(event))
        self._modes.feed(shown)
        # Our terminal ends lines by itself, unlike that of a cast.
        return shown.replace("\r\n", "\n") if self._color else plain(shown)

    def rest(self) -> str:
        """Return what is written at the end: the terminal is as it was."""
        return self._terminal.rest() + (self._modes.usual() if self._color else "")


class _Article(Terminal):
    """A terminal that is also shown headings, and prose as it is set in a book."""

    def __init__(self, columns: int, *, color: bool) -> None:
        super().__init__(columns)
        self._room = min(columns, PROSE_COLUMNS)
        self._color = color
        self._apart = True

    def characters(self, event: Event) -> str:
        """Return what is sent for one event."""
        match event:
            case Heading(title=title, level=level):
                lines = self._lines(f"**{title}**" if title else "")
                if level in RULES:
                    lines.append(RULES[level] * width(plain(lines[-1])))
                return self._set_apart(lines)
            case Narration(markdown=markdown):
                return self._set_apart(self._lines(markdown))
        text = super().characters(event)
        self._apart = self._apart and not text
        return text

    def _set_apart(self, lines: list[str]) -> str:
        """Return lines with an empty one before and behind them."""
        before = "" if self._apart else "\n" if self._last == "\n" else "\n\n"
        self._apart = True
        return self._sent(before + "\n".join(lines) + "\n\n")

    def _lines(self, markdown: str) -> list[str]:
        from rich.markdown import Markdown

        # The code of an article is in the colours of the terminal, whatever these are.
        article = Markdown(safe(markdown), code_theme="ansi_dark", hyperlinks=False)
        drawn = render(article, self._room, self._color).strip("\n")
        return [line.rstrip() for line in drawn.splitlines()] or [""]
