"""The bar below a replay: the section, the step, and the keys."""

from __future__ import annotations

import os
from collections.abc import Callable

from shellplay.shell import status_row
from shellplay.views.text_width import fit, pad, width

KEYS = "Space t n p h o q ?"
SHORT_KEYS = "Space q ?"
MIN_TITLE = 6


class Bar:
    """A bar in the last row of the terminal ``fd``; ``write`` takes what is written.

    Nothing is written while the terminal is too small, or before the first `show`.
    """

    def __init__(self, write: Callable[[str], None], fd: int, *, color: bool) -> None:
        self._write = write
        self._fd = fd
        self._color = color
        self._text: Callable[[int], str] | None = None
        self._size = (0, 0)

    def show(self, text: Callable[[int], str]) -> None:
        """Draw the bar; ``text`` returns its text for a number of columns."""
        self._text = text
        if not self.follow_size():
            self._draw()

    def follow_size(self) -> bool:
        """Draw the bar anew if the terminal has a new size; return whether it has."""
        size = os.get_terminal_size(self._fd)
        if size == self._size or self._text is None:
            return False
        if self._size != (0, 0):
            # The old bar is below the cursor, wherever the terminal has moved it.
            self._write("\x1b7\x1b[r\x1b8\x1b[J")
        self._size = size
        self.restore()
        return True

    def restore(self) -> None:
        """Draw the bar after a program may have changed the scroll region or the last row."""
        if self.is_shown:
            self._write(status_row.reserve(self._size[1]))
            self._draw()

    def hide(self) -> None:
        """Remove the bar until the next `show`."""
        if self.is_shown:
            self._write(status_row.release(self._size[1]))
        self._text, self._size = None, (0, 0)

    @property
    def is_shown(self) -> bool:
        """Whether the terminal has room for the bar, and shows it."""
        return self._text is not None and status_row.has_room(*self._size)

    def _draw(self) -> None:
        if self.is_shown and self._text is not None:
            columns, rows = self._size
            text = pad(fit(self._text(columns), columns), columns)
            self._write(status_row.draw(text, rows, color=self._color))


def bar_text(where: str, title: str, step: str, columns: int) -> str:
    """Return section, title, step and keys in at most ``columns`` cells, if they fit.

    The title is cut first, then the keys.
    """
    for keys in (KEYS, SHORT_KEYS):
        fixed = width(f" {where}   {step}  {keys} ")
        if (room := columns - fixed) >= MIN_TITLE:
            return f" {where} {fit(title, room)}  {step}  {keys} "
    return f" {where}  {step}  {SHORT_KEYS} "
