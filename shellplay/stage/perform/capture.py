"""What a step prints, wherever it comes from, in the order in which it came."""

from __future__ import annotations

import codecs
import mmap
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from shellplay.cmdline.printer import Printer

CHUNK = 1 << 16
FREED_AT_ONCE = 1 << 20
# Of an output beyond all measure its begin and its end are kept.
LONGEST_END = 4 << 20
GAP = "\n[...]\n"
LOOK_SECONDS = 0.02


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
        # What has left the memory before anybody took it.
        self._gap: range | None = None
        self._lock = threading.Lock()
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def take(self) -> str:
        """Return what was written since the last time."""
        self.stream.flush()
        with self._lock:
            self._cut()
            found: list[str] = []
            if self._gap is not None:
                found += self._read(self._gap.start)
                found.append(GAP)
                self._taken, self._gap = self._gap.stop, None
            found += self._read(self._size)
            if self._taken - self._freed >= FREED_AT_ONCE:
                end = _whole_pages(self._taken)
                self._free(self._freed, end)
                self._freed = end
        return "".join(found)

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Keep no more than the begin and the end of what is written in the block."""
        over = threading.Event()
        thread = threading.Thread(
            target=self._keep_cutting, args=(over,), name="capture", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    @property
    def _size(self) -> int:
        return os.fstat(self.fd).st_size

    def _read(self, end: int) -> Iterator[str]:
        while chunk := os.pread(self.fd, min(CHUNK, end - self._taken), self._taken):
            self._taken += len(chunk)
            yield self._decoder.decode(chunk)

    def _keep_cutting(self, over: threading.Event) -> None:
        while not over.wait(LOOK_SECONDS):
            with self._lock:
                self._cut()

    def _cut(self) -> None:
        begin = _whole_pages(self._taken + LONGEST_END)
        gap = self._gap or range(begin, begin)
        end = _whole_pages(self._size - LONGEST_END)
        if end - gap.stop >= FREED_AT_ONCE:
            self._free(gap.stop, end)
            self._gap = range(gap.start, end)

    def _free(self, begin: int, end: int) -> None:
        # A hole, not a shorter file: whoever writes keeps its place in it.
        with mmap.mmap(self.fd, end - begin, offset=begin) as taken:
            taken.madvise(mmap.MADV_REMOVE)

    def close(self) -> None:
        """Let go of the file."""
        self.stream.close()


def _whole_pages(size: int) -> int:
    return size // mmap.PAGESIZE * mmap.PAGESIZE


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
