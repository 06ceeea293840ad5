"""The newest output of a container, with the time at which each piece came."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator


class Scrollback:
    """Keeps at most ``most`` bytes of output; ``end`` counts all bytes that ever came."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: deque[tuple[float, bytes]] = deque()
        self._size = 0
        self.end = 0

    def keep(self, most: int) -> None:
        """Keep at most so many bytes from now on."""
        self._most = most

    def append(self, text: bytes) -> None:
        """Add output that has just come; the oldest is forgotten for it."""
        self._pieces.append((time.time(), text))
        self._size += len(text)
        self.end += len(text)
        while (over := self._size - self._most) > 0:
            came, oldest = self._pieces.popleft()
            kept = oldest[over:] if len(oldest) > over else b""
            if kept:
                self._pieces.appendleft((came, kept))
            self._size -= len(oldest) - len(kept)

    def prepend(self, other: Scrollback) -> None:
        """Put the output of another one before this."""
        self._pieces.extendleft(reversed(other._pieces))
        self._size += other._size
        self.end += other.end

    def text(self, start: int = 0) -> bytes:
        """Return what is kept of the output from the byte ``start`` on, as ``end`` counts."""
        whole = b"".join(text for _, text in self._pieces)
        return whole[max(0, start - (self.end - self._size)) :]

    def lines(self) -> Iterator[tuple[float, bytes]]:
        """Yield each line with its end, and the time at which its first byte came."""
        began, line = 0.0, b""
        for came, text in self._pieces:
            for part in text.splitlines(keepends=True):
                began = began if line else came
                line += part
                if line.endswith(b"\n"):
                    yield began, line
                    line = b""
        if line:
            yield began, line
