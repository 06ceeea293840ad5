"""What a step prints, wherever it comes from, in the order in which it came."""

from __future__ import annotations

import codecs
import os
from typing import TextIO

from shellplay.commands.printer import Printer

CHUNK = 1 << 16


class Capture:
    """A file in memory that our own words and programs write to, behind one another.

    ``fd`` is for programs, ``stream`` for us.  A program that writes after it was waited
    for blocks nobody, and what it writes belongs to the next step.
    """

    def __init__(self) -> None:
        self.fd = os.memfd_create("shellplay-capture", os.MFD_CLOEXEC)
        self.stream: TextIO = os.fdopen(
            self.fd, "w", encoding="utf-8", errors="surrogateescape", newline="\n"
        )
        self._taken = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def take(self) -> str:
        """Return what was written since the last time."""
        self.stream.flush()
        found = b""
        while chunk := os.pread(self.fd, CHUNK, self._taken):
            found += chunk
            self._taken += len(chunk)
        return self._decoder.decode(found)

    def close(self) -> None:
        """Let go of the file."""
        self.stream.close()


class StagePrinter(Printer):
    """Prints into a capture for a terminal of so many columns, without colour.

    Output from inside is kept as it came: who shows it to a person makes it safe.
    """

    def __init__(self, capture: Capture, columns: int) -> None:
        super().__init__(capture.stream, capture.stream, color=False)
        self._columns = columns

    @property
    def width(self) -> int:
        """Return the columns of the recipe, whatever terminal we are on."""
        return self._columns

    def stream(self, text: str) -> None:
        """Write a piece of output from inside."""
        self._write_piece(text)
