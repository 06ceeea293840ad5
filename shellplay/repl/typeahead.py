"""Read the keys that were typed before the first prompt."""

from __future__ import annotations

import os
import termios

from shellplay.kernel.terminal_modes import restored

CHUNK = 4096


def read_typeahead(fd: int) -> bytes:
    """Return the keys that wait in a terminal's input queue; b"" if it is not a terminal.

    In canonical mode the line discipline turns Ctrl-D into an end of file; a later read(2)
    without canonical mode gets a zero byte instead, which is Ctrl-D again here.
    """
    if not os.isatty(fd):
        return b""
    with restored(fd, termios.TCSANOW) as modes:
        modes[3] &= ~termios.ICANON
        modes[6][termios.VMIN] = modes[6][termios.VTIME] = 0
        termios.tcsetattr(fd, termios.TCSANOW, modes)
        keys = b"".join(iter(lambda: os.read(fd, CHUNK), b""))
    return keys.replace(b"\0", b"\x04")
