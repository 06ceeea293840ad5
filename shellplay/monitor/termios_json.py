"""A terminal's modes, put back by somebody else than who changed them."""

from __future__ import annotations

import os
import termios
from contextlib import suppress

# What tty.setraw switches off, and what no shell leaves off at its prompt.
LINE_EDITING = termios.ICANON | termios.ISIG
LOCAL, KEYS = 3, 6
Spelled = list[int | list[int | str]]


def spelled(modes: list[int | list[bytes | int]]) -> Spelled:
    """Return modes of termios.tcgetattr in a form that JSON has."""
    return [
        each
        if isinstance(each, int)
        else [key.decode("latin-1") if isinstance(key, bytes) else key for key in each]
        for each in modes
    ]


class KeptModes:
    """The modes that a terminal is to have again; ``descriptor`` is closed with them."""

    def __init__(self, descriptor: int, modes: Spelled) -> None:
        self._descriptor = descriptor
        self._modes = [
            each
            if isinstance(each, int)
            else [key.encode("latin-1") if isinstance(key, str) else key for key in each]
            for each in modes
        ]

    def put_back(self) -> None:
        """Set them, if the terminal is still raw: else somebody else has seen to it."""
        # An error is that the terminal has been hung up: then nobody needs its modes.
        with suppress(termios.error):
            now = termios.tcgetattr(self._descriptor)
            if not now[LOCAL] & LINE_EDITING:
                termios.tcsetattr(self._descriptor, termios.TCSANOW, self._modes)

    def close(self) -> None:
        """Let go of the terminal."""
        os.close(self._descriptor)
