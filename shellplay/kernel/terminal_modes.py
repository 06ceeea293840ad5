"""The modes of a terminal, changed for a while."""

from __future__ import annotations

import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def restored(fd: int, when: int = termios.TCSADRAIN) -> Iterator[list[Any]]:
    """Give a terminal its modes back after the block, see termios(3).

    Yields a copy of them, to be changed and set.  ``when`` is not TCSAFLUSH: that would
    throw away what was typed ahead.
    """
    before = termios.tcgetattr(fd)
    try:
        # Asked for again: a list of theirs, of the special characters, would be shared.
        yield termios.tcgetattr(fd)
    finally:
        termios.tcsetattr(fd, when, before)
