"""Find the marks of bash (OSC 133 with our nonce) in the output of a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from shellplay.model import Value

INTRODUCER = b"\x1b]133;"
MARK = re.compile(rb"\x1b\]133;([ABCDEHPRSUehr])(?:;(\d{1,9}))?;k=([0-9a-f]{16})\x07")
# Bash expands a prompt once, and draws it again as it was expanded.
DRAWN_PROMPT, NEW_PROMPT = b"ABP", b"CD"
# The longest mark in bytes.  A possible start of a mark is held back up to this length.
LONGEST = 80


class Mark(Value):
    """A mark: A B S C D P as in the rc file; H and h, E and e, R and r around hidden output.

    U asks for the end of the keys that bash reads and returns between R and r.
    """

    kind: str
    status: int | None = None


class MarkReader:
    """Split the output of a terminal into text and marks; a mark may be in two chunks.

    Only marks with ``nonce`` are marks, all others are text.
    """

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce.encode()
        # That of the prompt which stands there, if it is another one.
        self._drawn: bytes | None = None
        self._held = b""

    def renew(self, nonce: str) -> None:
        """Take ``nonce`` for the marks from now on.

        A prompt that was expanded before may be drawn once more, with the nonce before.  That
        is over with the first mark of a new prompt or command.
        """
        self._drawn = self._drawn or self._nonce
        self._nonce = nonce.encode()

    def follow(self, other: MarkReader) -> None:
        """Take the nonce of ``other``, which reads the marks of the same bash."""
        self._nonce, self._drawn = other._nonce, other._drawn

    def feed(self, chunk: bytes) -> Iterable[bytes | Mark]:
        """Return the text and the marks of a chunk, in order."""
        # Most output has no escape character, and needs no search for marks.
        if not self._held and b"\x1b" not in chunk:
            return (chunk,)
        return self._split(chunk)

    def _split(self, chunk: bytes) -> Iterator[bytes | Mark]:
        data = self._held + chunk
        start = 0
        for match in MARK.finditer(data):
            if not self._is_ours(match[1], match[3]):
                continue
            if match.start() > start:
                yield data[start : match.start()]
            status = int(match[2]) if match[2] else None
            yield Mark(match[1].decode(), status)
            start = match.end()
        end = self._first_unsure(data, start)
        self._held = data[end:]
        if end > start:
            yield data[start:end]

    def _is_ours(self, kind: bytes, nonce: bytes) -> bool:
        if nonce == self._nonce:
            if kind in NEW_PROMPT:
                self._drawn = None
            return True
        return nonce == self._drawn and kind in DRAWN_PROMPT

    @staticmethod
    def _first_unsure(data: bytes, start: int) -> int:
        escape = data.rfind(b"\x1b", max(start, len(data) - LONGEST))
        if escape < 0:
            return len(data)
        tail = data[escape:]
        begins = tail.startswith(INTRODUCER) and b"\x07" not in tail
        return escape if begins or INTRODUCER.startswith(tail) else len(data)
