"""Turn the events of a performance into text for the viewer's terminal.

A cast shows no headings and dim prose; the viewer sees both as in an article.
"""

from __future__ import annotations

import os
import re

from shellplay.cast.events import Event, Heading, Narration, Resized
from shellplay.cast.player import Modes
from shellplay.cast.terminal import PROSE_COLUMNS, Terminal
from shellplay.views.control_sequences import ControlSequenceFilter, strip_sequences
from shellplay.views.render import render
from shellplay.views.sanitize import safe
from shellplay.views.text_width import width

# A link to the file of another recipe, which is replayed by its name.
RECIPE_LINK = re.compile(r"\[([^\]]*)\]\((?:[0-9]+-)?([a-z0-9-]+)\.play\.md\)")
# Terminals with links: https://github.com/Alhadis/OSC8-Adoption
LINK_PROGRAMS = ("iTerm.app", "WezTerm", "vscode", "ghostty")
LINK_TERMS = ("xterm-kitty", "xterm-ghostty", "foot", "foot-extra", "alacritty")
LINK_VARIABLES = ("KITTY_WINDOW_ID", "KONSOLE_VERSION", "WT_SESSION")
UNDERLINES = {1: "=", 2: "-"}


def has_links() -> bool:
    """Return whether the terminal is one of those that are known to show links of OSC 8.

    A multiplexer passes them on only if it is told to, so none is shown in it.
    """
    names = os.environ
    if names.get("TMUX") or names.get("STY"):
        return False
    vte = names.get("VTE_VERSION", "")
    return (
        (vte.isascii() and vte.isdigit() and int(vte[:9]) >= 5000)
        or names.get("TERM_PROGRAM") in LINK_PROGRAMS
        or names.get("TERM", "") in LINK_TERMS
        or any(names.get(name) for name in LINK_VARIABLES)
    )


class EventRenderer:
    """Turns events into text; without ``color`` the text has no escape sequences.

    With ``links`` the links of the prose are links of the terminal, which it must know.
    """

    def __init__(self, columns: int, *, color: bool, links: bool = False) -> None:
        self._links = links and color
        self._terminal = _ArticleTerminal(columns, color=color, links=self._links)
        self._drawing = ControlSequenceFilter()
        self._modes = Modes()
        self._color = color

    def resize(self, columns: int) -> None:
        """Lay out the next events for another number of columns."""
        self._terminal.resize(columns)

    def text(self, event: Event) -> str:
        """Return the text of one event; no escape sequence is cut in two."""
        shown = self._terminal.characters(event)
        if not (self._links and isinstance(event, Heading | Narration)):
            # Of prose the renderer itself has made the sequences, from safe text.
            shown = self._drawing.feed(shown)
        self._modes.feed(shown)
        # The terminal driver turns LF into CR LF here; a cast has no driver.
        return shown.replace("\r\n", "\n") if self._color else strip_sequences(shown)

    def finish(self) -> str:
        """Return the text for the end, which restores the modes of the terminal."""
        return self._terminal.finish() + (self._modes.reset_sequence() if self._color else "")


class _ArticleTerminal(Terminal):
    """A terminal that shows headings, too, and prose with an empty line around it."""

    def __init__(self, columns: int, *, color: bool, links: bool) -> None:
        super().__init__(columns)
        self._links = links
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
        named = RECIPE_LINK.sub(r"\1 (`replay \2`)", safe(markdown))
        article = Markdown(named, code_theme="ansi_dark", hyperlinks=self._links)
        rendered = render(article, min(self._columns, PROSE_COLUMNS), self._color).strip("\n")
        return [line.rstrip() for line in rendered.splitlines()] or [""]
