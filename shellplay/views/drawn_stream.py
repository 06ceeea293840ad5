"""Output of a program that draws on the user's terminal, without what else it could do to it.

What moves the cursor, colours and erases stays.  Left out are titles, the clipboard, and
questions that the terminal answers as if the user typed.  Characters that hide or reorder text
are spelled out, as everywhere.
"""

from __future__ import annotations

import re

from shellplay.views.control_sequences import ControlSequenceFilter
from shellplay.views.sanitize import without_hidden

SEQUENCE = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|[ -/]+.|.)")
CHARACTER_SET = re.compile("\x1b[()*+]|\x0e")
USUAL_COLORS, USUAL_CHARACTERS = "\x1b[0m", "\x1b(B\x0f"


class DrawnStream:
    """Makes a stream safe that may draw; each piece may end within a sequence.

    ``at_margin`` is true if the last character that was shown begins a line.
    """

    def __init__(self) -> None:
        self.at_margin = True
        self._filter = ControlSequenceFilter()
        self._is_colored = self._is_mapped = False

    def feed(self, piece: str) -> str:
        """Return what is shown of a piece."""
        shown = without_hidden(self._filter.feed(piece))
        if not shown.isprintable():
            self._is_colored = self._is_colored or "\x1b" in shown
            self._is_mapped = self._is_mapped or CHARACTER_SET.search(shown) is not None
        if text := SEQUENCE.sub("", shown):
            self.at_margin = text.endswith(("\n", "\r"))
        return shown

    def finish(self) -> str:
        """Return what undoes the colours and character sets of the stream, "" if nothing."""
        reset = USUAL_COLORS if self._is_colored else ""
        reset += USUAL_CHARACTERS if self._is_mapped else ""
        self._filter = ControlSequenceFilter()
        self._is_colored = self._is_mapped = False
        return reset
