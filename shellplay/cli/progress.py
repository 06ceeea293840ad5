"""What runs at this moment, in one line on standard error that the next output replaces."""

from __future__ import annotations

import os
import sys

from shellplay.cmdline.printer import Printer
from shellplay.views.sanitize import safe_line
from shellplay.views.text_width import fit

CLEAR = "\r\x1b[K"


class Progress:
    """A line ``n/N what`` on a terminal; where the cursor cannot be moved there is none."""

    def __init__(self, printer: Printer, total: int) -> None:
        self._shows = printer.redraws and sys.stderr.isatty()
        self._total = total
        self._is_shown = False

    def show(self, number: int, what: str) -> None:
        """Show that ``what``, the ``number``-th of all, has begun."""
        if self._shows:
            columns = os.get_terminal_size(sys.stderr.fileno()).columns
            self._write(CLEAR + fit(f"{number}/{self._total} {safe_line(what)}", columns - 1))
            self._is_shown = True

    def clear(self) -> None:
        """Remove the line."""
        if self._is_shown:
            self._write(CLEAR)
            self._is_shown = False

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
