"""Switch the echo of the terminal off between two prompts."""

from __future__ import annotations

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from shellplay.kernel.terminal_modes import restored


@contextmanager
def no_echo(fd: int) -> Iterator[None]:
    """Clear ECHO in the modes of a terminal, for the block (termios(3)).

    Keys that are typed while a command runs are drawn by the next prompt.  With ECHO the
    kernel would draw them too, and the prompt would not begin at the left margin.
    """
    if not os.isatty(fd):
        yield
        return
    with restored(fd) as modes:
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(fd, termios.TCSADRAIN, modes)
        yield
