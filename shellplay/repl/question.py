"""A yes-or-no question at the terminal of the user."""

from __future__ import annotations

import os
import termios

from shellplay.cmdline.printer import Printer
from shellplay.kernel.terminal_modes import restored

LONGEST_ANSWER = 4096
YES = (b"y", b"yes")


def confirm(fd: int, printer: Printer, question: str) -> bool:
    """Ask a question at a terminal; return whether the user typed ``y`` or ``yes``.

    The end of the input and ^C are no.  The caller has read what was typed before.
    """
    with restored(fd) as modes:
        modes[3] |= termios.ECHO | termios.ICANON
        termios.tcsetattr(fd, termios.TCSADRAIN, modes)
        printer.write(f"{question} [y/N] ")
        try:
            answer = os.read(fd, LONGEST_ANSWER)
        except KeyboardInterrupt:
            answer = b""
    if not answer.endswith(b"\n"):
        printer.write("\n")
    return answer.strip().lower() in YES
