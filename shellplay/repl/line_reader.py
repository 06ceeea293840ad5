"""Lines from a descriptor, with a buffer of our own that ``enter`` can take over."""

import os

CHUNK = 1 << 16


class LineReader:
    """Reads lines as text; bytes that are no UTF-8 are kept by surrogates."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._buffer = b""
        self._searched = 0
        self._ended = False

    def read(self) -> str | None:
        """Return the next line without its end, or None at the end of the input."""
        while (end := self._buffer.find(b"\n", self._searched)) < 0 and not self._ended:
            self._searched = len(self._buffer)
            chunk = os.read(self.fd, CHUNK)
            self._buffer += chunk
            self._ended = not chunk
        self._searched = 0
        if end < 0:
            line, self._buffer = self._buffer, b""
            # On a terminal more can come after Ctrl-D; a pipe says its end again.
            self._ended = False
            if not line:
                return None
        else:
            line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line.removesuffix(b"\r").decode("utf-8", "surrogateescape")

    def take(self) -> bytes:
        """Take what was read but not asked for."""
        taken, self._buffer = self._buffer, b""
        return taken

    def give_back(self, keys: bytes) -> None:
        """Put keys before what is still to come; Enter ends a line."""
        self._buffer = keys.replace(b"\r", b"\n") + self._buffer
        self._searched = 0
