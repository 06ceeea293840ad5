"""Save and restore the modes of a terminal, termios(3)."""

from __future__ import annotations

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def echo(fd: int | None) -> Iterator[None]:
    """Have a terminal show what is typed, for the block: no prompt draws the keys.

    For what is not a terminal, and for None, nothing changes.
    """
    if fd is None or not os.isatty(fd):
        yield
        return
    with restored(fd) as modes:
        modes[3] |= termios.ECHO
        termios.tcsetattr(fd, termios.TCSADRAIN, modes)
        yield


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
