"""A key that answers a question on the user's terminal."""

from __future__ import annotations

import os
import termios

from shellplay.kernel.terminal_modes import restored

ENTER = (b"\r", b"\n")


def is_enter_pressed(fd: int) -> bool:
    """Wait for one key on a terminal; tell whether it is Enter.

    Keys from before the question are not an answer to it, so they are dropped.
    """
    with restored(fd, termios.TCSAFLUSH) as modes:
        modes[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)
        modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
        termios.tcsetattr(fd, termios.TCSAFLUSH, modes)
        return os.read(fd, 1) in ENTER
