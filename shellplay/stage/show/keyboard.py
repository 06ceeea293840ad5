"""Read the viewer's keys one by one, without echo and without waiting for Enter."""

from __future__ import annotations

import os
import re
import select
import termios
from types import TracebackType
from typing import Self

READ_SIZE = 4096
# One key: an escape sequence, as for an arrow, or a single character.
KEY = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|.", re.DOTALL)
DISABLED = ("VSUSP", "VQUIT", "VDSUSP")


class Keyboard:
    """A context manager that reads a terminal key by key, and restores its modes at the end.

    ^C still sends SIGINT; ^Z and ^\\ are ordinary keys.  See termios(3).
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._keys: list[str] = []

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._fd)
        # Call tcgetattr a second time: a copy of the list would share its inner list of
        # special characters.
        modes = termios.tcgetattr(self._fd)
        modes[3] &= ~(termios.ICANON | termios.ECHO)
        modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
        for name in DISABLED:
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
        # TCSADRAIN, not TCSAFLUSH: the next reader of the terminal gets the pending keys.
        termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def key(self, seconds: float | None = None) -> str | None:
        """Return the next key; None after ``seconds`` without a key (None: wait for ever).

        Raises `EOFError` if the terminal is closed.
        """
        if not self._keys:
            poll = select.poll()
            poll.register(self._fd, select.POLLIN)
            if not poll.poll(None if seconds is None else seconds * 1000):
                return None
            keys = os.read(self._fd, READ_SIZE)
            if not keys:
                raise EOFError
            self.give_back(keys)
        return self._keys.pop(0)

    def take(self) -> bytes:
        """Return the keys that were read but not yet returned by `key`, and forget them."""
        keys, self._keys = self._keys, []
        return "".join(keys).encode("utf-8", "surrogateescape")

    def give_back(self, keys: bytes) -> None:
        """Add keys that `key` returns before all keys typed from now on."""
        self._keys += KEY.findall(keys.decode("utf-8", "surrogateescape"))
