"""Read the viewer's keys one by one, without echo and without waiting for Enter."""

from __future__ import annotations

import os
import re
import select
import signal
import termios
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Self

READ_SIZE = 4096
# One key: an escape sequence, as for an arrow, or a single character.
KEY = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|.", re.DOTALL)
# A key that no terminal sends: the terminal has a new size.
RESIZED = "resized"
DISABLED = ("VSUSP", "VQUIT", "VDSUSP")


class Keyboard:
    """A context manager that reads a terminal key by key, and restores its modes at the end.

    ^C still sends SIGINT; ^Z and ^\\ are ordinary keys.  See termios(3).  Different characters
    that came together, or while a step ran, are text and not keys, and are dropped.
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
        # Python restarts a poll after a signal (PEP 475), so the handler writes to a pipe.
        self._resized, writable = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

        def resized(_number: int, _frame: FrameType | None) -> None:
            with suppress(BlockingIOError):
                os.write(writable, b".")

        self._handler = signal.signal(signal.SIGWINCH, resized)
        self._writable = writable
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # TCSADRAIN, not TCSAFLUSH: the next reader of the terminal gets the pending keys.
        termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)
        signal.signal(signal.SIGWINCH, self._handler)
        os.close(self._resized)
        os.close(self._writable)

    def key(self, seconds: float | None = None, *, text: bool = False) -> str | None:
        """Return the next key; None after ``seconds`` without a key (None: wait for ever).

        Returns `RESIZED` after a change of the size.  With ``text`` several characters may
        come together.  Raises `EOFError` if the terminal is closed.
        """
        if not self._keys:
            poll = select.poll()
            poll.register(self._fd, select.POLLIN)
            poll.register(self._resized, select.POLLIN)
            ready = dict(poll.poll(None if seconds is None else seconds * 1000))
            if not ready:
                return None
            if self._resized in ready:
                os.read(self._resized, READ_SIZE)
                return RESIZED
            typed = os.read(self._fd, READ_SIZE)
            if not typed:
                raise EOFError
            self.give_back(typed)
            if not text and len(set(self._keys)) > 1:
                self._keys.clear()
                return None
        return self._keys.pop(0)

    def take(self) -> bytes:
        """Return the keys that were read but not yet returned by `key`, and forget them."""
        keys, self._keys = self._keys, []
        return "".join(keys).encode("utf-8", "surrogateescape")

    def give_back(self, keys: bytes) -> None:
        """Add keys that `key` returns before all keys typed from now on."""
        self._keys += KEY.findall(keys.decode("utf-8", "surrogateescape"))
