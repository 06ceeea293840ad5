"""The scrollback of a container: the newest output of all its terminals, with times."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator

MOST_BYTES = 256 * 1024


class Scrollback:
    """The newest output; the terminals of a container share it.

    It has a position: the number of all bytes that ever came.
    """

    def __init__(self) -> None:
        self._most = MOST_BYTES
        self._pieces: deque[tuple[float, bytes]] = deque()
        self._size = 0
        self._position = 0
        # The pty reader adds the output of a parked bash while a command adds that of the live.
        self._lock = threading.Lock()

    def keep(self, most: int) -> None:
        """Keep at most so many bytes from now on."""
        self._most = most

    def append(self, text: bytes) -> None:
        """Add output that has just come; the oldest is forgotten for it."""
        with self._lock:
            self._pieces.append((time.time(), text))
            self._size += len(text)
            self._position += len(text)
            while (over := self._size - self._most) > 0:
                came, oldest = self._pieces.popleft()
                kept = oldest[over:] if len(oldest) > over else b""
                if kept:
                    self._pieces.appendleft((came, kept))
                self._size -= len(oldest) - len(kept)

    def text(self) -> bytes:
        """Return what is kept, as it came, without the marks."""
        return self.text_after(0)[0]

    def text_after(self, position: int) -> tuple[bytes, int]:
        """Return the output that has come since a position, and the position after it."""
        with self._lock:
            whole = b"".join(text for _, text in self._pieces)
            return whole[max(0, position - (self._position - self._size)) :], self._position

    def lines(self) -> tuple[list[tuple[float, bytes]], int]:
        """Return the kept lines with the times at which they began, and the position."""
        with self._lock:
            return list(_lines(self._pieces)), self._position


def _lines(pieces: deque[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
    began, line = 0.0, b""
    for came, text in pieces:
        for part in text.splitlines(keepends=True):
            began = began if line else came
            line += part
            if line.endswith(b"\n"):
                yield began, line
                line = b""
    if line:
        yield began, line
