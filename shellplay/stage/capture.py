"""What a step prints, wherever it comes from, in the order in which it came."""

from __future__ import annotations

import codecs
import mmap
import os
from typing import TextIO

from shellplay.commands.printer import Printer

CHUNK = 1 << 16
FREED_AT_ONCE = 1 << 20


class Capture:
    """A file in memory that our own words and programs write to, behind one another.

    ``fd`` is for programs, ``stream`` for us.  A program that writes after it was waited
    for blocks nobody, and what it writes belongs to the next step.  What was taken leaves
    the memory again.
    """

    def __init__(self) -> None:
        self.fd = os.memfd_create("shellplay-capture", os.MFD_CLOEXEC)
        self.stream: TextIO = os.fdopen(
            self.fd, "w", encoding="utf-8", errors="surrogateescape", newline="\n"
        )
        self._taken = self._freed = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def take(self) -> str:
        """Return what was written since the last time."""
        self.stream.flush()
        found = b""
        while chunk := os.pread(self.fd, CHUNK, self._taken):
            found += chunk
            self._taken += len(chunk)
        if self._taken - self._freed >= FREED_AT_ONCE:
            self._free()
        return self._decoder.decode(found)

    def _free(self) -> None:
        # A hole, not a shorter file: whoever writes keeps its place in it.
        end = self._taken // mmap.PAGESIZE * mmap.PAGESIZE
        with mmap.mmap(self.fd, end - self._freed, offset=self._freed) as taken:
            taken.madvise(mmap.MADV_REMOVE)
        self._freed = end

    def close(self) -> None:
        """Let go of the file."""
        self.stream.close()


class StagePrinter(Printer):
    """Prints for a terminal of so many columns, without colour.

    Output from inside is kept as it came: who shows it to a person makes it safe.
    """

    def __init__(self, out: TextIO, columns: int) -> None:
        super().__init__(out, out, color=False)
        self._columns = columns

    @property
    def width(self) -> int:
        """Return the columns of the recipe, whatever terminal we are on."""
        return self._columns

    def stream(self, text: str) -> None:
        """Write a piece of output from inside."""
        self._write_piece(text)
