"""Read lines from a descriptor; ``enter`` can take the unread bytes for the live bash."""

import os

CHUNK = 1 << 16
END_OF_INPUT = b"\x04"


class LineReader:
    """Reads lines as text; a byte that is not UTF-8 becomes a surrogate (surrogateescape)."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._buffer = b""
        self._searched_to = 0
        self._ended = False
        self._given_back = False

    def read(self) -> str | None:
        """Return the next line without its end, or None at the end of the input."""
        if self._given_back and self._buffer.startswith(END_OF_INPUT):
            # The key that was given back is one at a terminal.
            self._buffer = self._buffer[1:]
            return None
        while (end := self._buffer.find(b"\n", self._searched_to)) < 0 and not self._ended:
            self._searched_to = len(self._buffer)
            chunk = os.read(self.fd, CHUNK)
            self._buffer += chunk
            self._ended = not chunk
        self._searched_to = 0
        if end < 0:
            line, self._buffer = self._buffer, b""
            # A terminal can be read again after Ctrl-D; a pipe reports its end again.
            self._ended = False
            if not line:
                return None
        else:
            line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line.removesuffix(b"\r").decode("utf-8", "surrogateescape")

    def take(self) -> bytes:
        """Return and forget the bytes after the last line that was returned."""
        taken, self._buffer = self._buffer, b""
        return taken

    def give_back(self, keys: bytes) -> None:
        """Put keys before the unread input; Enter ends a line, and Ctrl-D there the input."""
        self._buffer = keys.replace(b"\r", b"\n") + self._buffer
        self._given_back = True
        self._searched_to = 0
