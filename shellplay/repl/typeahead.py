"""What was typed before the first prompt."""

from __future__ import annotations

import os
import termios

from shellplay.kernel.terminal_modes import restored

CHUNK = 4096


def typed_before(fd: int) -> bytes:
    """Take what a terminal was typed before there was a prompt, Ctrl-D as the key it was.

    The line discipline takes Ctrl-D for an end, and leaves a zero byte to whoever reads
    key by key afterwards.
    """
    if not os.isatty(fd):
        return b""
    with restored(fd, termios.TCSANOW) as by_the_key:
        by_the_key[3] &= ~termios.ICANON
        by_the_key[6][termios.VMIN] = by_the_key[6][termios.VTIME] = 0
        termios.tcsetattr(fd, termios.TCSANOW, by_the_key)
        keys = b"".join(iter(lambda: os.read(fd, CHUNK), b""))
    return keys.replace(b"\0", b"\x04")
