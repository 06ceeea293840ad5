"""The echo of the terminal between two prompts."""

from __future__ import annotations

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from shellplay.kernel.terminal_modes import restored


@contextmanager
def no_echo(fd: int) -> Iterator[None]:
    """Have a terminal not show what is typed ahead, see termios(3).

    The prompt draws it when it comes to it.  Shown by the kernel as well it would stand
    there twice, and the prompt, which takes the cursor to be at the margin, beside it.
    """
    if not os.isatty(fd):
        yield
        return
    with restored(fd) as quiet:
        quiet[3] &= ~termios.ECHO
        termios.tcsetattr(fd, termios.TCSADRAIN, quiet)
        yield
