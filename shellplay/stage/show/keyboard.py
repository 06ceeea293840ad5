"""The keys of whoever watches: each comes at once and unseen."""

from __future__ import annotations

import os
import re
import select
import termios
from types import TracebackType
from typing import Self

READ_SIZE = 4096
# Sequences that a terminal sends for one key, as for an arrow, then any other character.
KEY = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|.", re.DOTALL)
SILENT = ("VSUSP", "VQUIT", "VDSUSP")


class Keyboard:
    """A terminal that we read key by key, as a context manager; it gets its modes back.

    ^C remains an interrupt; ^Z and ^\\ are keys like others.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._keys: list[str] = []

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._fd)
        # Asked for twice: the list of the special characters in it would be shared.
        modes = termios.tcgetattr(self._fd)
        modes[3] &= ~(termios.ICANON | termios.ECHO)
        modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
        for name in SILENT:
            if hasattr(termios, name):
                modes[6][getattr(termios, name)] = b"\0"
        termios.tcsetattr(self._fd, termios.TCSADRAIN, modes)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Not TCSAFLUSH: what was typed ahead is for who comes after us.
        termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def key(self, seconds: float | None = None) -> str | None:
        """Wait for a key, at most so long; return None if there was none.

        Raises EOFError if the terminal has gone.
        """
        if not self._keys:
            poll = select.poll()
            poll.register(self._fd, select.POLLIN)
            if not poll.poll(None if seconds is None else seconds * 1000):
                return None
            came = os.read(self._fd, READ_SIZE)
            if not came:
                raise EOFError
            self.give_back(came)
        return self._keys.pop(0)

    def take(self) -> bytes:
        """Take the keys that were read and not yet asked for."""
        keys, self._keys = self._keys, []
        return "".join(keys).encode("utf-8", "surrogateescape")

    def give_back(self, keys: bytes) -> None:
        """Have these keys come before those that are typed from now on."""
        self._keys += KEY.findall(keys.decode("utf-8", "surrogateescape"))
