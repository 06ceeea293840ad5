"""Save and restore the modes of a terminal, termios(3)."""

from __future__ import annotations

import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def restored(fd: int, when: int = termios.TCSADRAIN) -> Iterator[list[Any]]:
    """Restore the modes of a terminal after the block, tcsetattr(3).

    Yields a copy of the modes.  ``when`` is not TCSAFLUSH by default, because it discards
    typed keys.
    """
    before = termios.tcgetattr(fd)
    try:
        # A second tcgetattr, not a copy: the modes contain a list, which both would share.
        yield termios.tcgetattr(fd)
    finally:
        termios.tcsetattr(fd, when, before)
