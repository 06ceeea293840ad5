"""The pause between two prints of a watched document; the key q ends it."""

from __future__ import annotations

import os
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shellplay.kernel.poll import readable
from shellplay.kernel.terminal_modes import restored

QUIT = (b"q", b"Q")


@contextmanager
def pauses(*, keys: bool) -> Iterator[Callable[[float], bool]]:
    """Give a function that waits so many seconds, and returns False if q was pressed.

    With ``keys`` standard input is the user's terminal: in the block each key comes at once
    and unseen, and those before the q are dropped.  Without them nothing is read.
    """
    if not keys:
        yield _sleep
        return
    fd = sys.stdin.fileno()
    with restored(fd) as modes:
        modes[3] &= ~(termios.ICANON | termios.ECHO)
        modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
        termios.tcsetattr(fd, termios.TCSADRAIN, modes)
        yield lambda seconds: _no_quit(fd, seconds)


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return True


def _no_quit(fd: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0 and readable(fd, left):
        # One by one: what is typed behind the q is for the prompt.
        key = os.read(fd, 1)
        if not key or key in QUIT:
            return False
    return True
