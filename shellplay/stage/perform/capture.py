"""Capture the output of a step, from shellplay and from programs, in one order."""

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
# Bytes (or characters) kept of a very long output, at its beginning and at its end.
MAX_PART = 4 << 20
GAP = "\n[...]\n"
CUT_SECONDS = 0.02


class Capture:
    """A memfd that shellplay and programs append to; see memfd_create(2).

    ``fd`` is for programs, ``stream`` for shellplay.  Unlike a pipe, a file never blocks a
    program.  What a background program writes later belongs to the next step.  Text that
    was taken is freed from memory.
    """

    def __init__(self) -> None:
        self.fd = os.memfd_create("shellplay-capture", os.MFD_CLOEXEC)
        self.stream: TextIO = os.fdopen(
            self.fd, "w", encoding="utf-8", errors="surrogateescape", newline="\n"
        )
        self._taken = self._freed = 0
        # Bytes that were freed before they were taken, since the output was too long.
        self._gap: range | None = None
        self._lock = threading.Lock()
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def take(self) -> str:
        """Return the text written since the last call; GAP replaces text that was cut out."""
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
        """Keep, within the block, only the beginning and the end of a very long output."""
        stop = threading.Event()
        thread = threading.Thread(
            target=self._keep_cutting, args=(stop,), name="capture", daemon=True
        )
        try:
            # In here: a signal handler may raise before this line has ended.
            thread.start()
            yield
        finally:
            stop.set()
            if thread.ident is not None:
                thread.join()

    @property
    def _size(self) -> int:
        return os.fstat(self.fd).st_size

    def _read(self, end: int) -> Iterator[str]:
        while chunk := os.pread(self.fd, min(CHUNK, end - self._taken), self._taken):
            self._taken += len(chunk)
            yield self._decoder.decode(chunk)

    def _keep_cutting(self, stop: threading.Event) -> None:
        while not stop.wait(CUT_SECONDS):
            with self._lock:
                self._cut()

    def _cut(self) -> None:
        begin = _whole_pages(self._taken + MAX_PART)
        gap = self._gap or range(begin, begin)
        end = _whole_pages(self._size - MAX_PART)
        if end - gap.stop >= FREED_AT_ONCE:
            self._free(gap.stop, end)
            self._gap = range(gap.start, end)

    def _free(self, begin: int, end: int) -> None:
        # A program keeps its file offset. Truncating the file would leave it behind the
        # end, so punch a hole instead: MADV_REMOVE, see madvise(2).
        with mmap.mmap(self.fd, end - begin, offset=begin) as pages:
            pages.madvise(mmap.MADV_REMOVE)

    def close(self) -> None:
        """Close the file."""
        self.stream.close()


def _whole_pages(size: int) -> int:
    return size // mmap.PAGESIZE * mmap.PAGESIZE


class StagePrinter(Printer):
    """Prints for a terminal of ``columns`` columns, without colour.

    Output of a container stays as it is, with its escape sequences: the code that shows it
    to a person makes it safe.
    """

    def __init__(self, out: TextIO, columns: int) -> None:
        super().__init__(out, out, color=False)
        self._columns = columns

    @property
    def width(self) -> int:
        """The columns of the recipe, whatever the size of the real terminal."""
        return self._columns

    def stream(self, text: str) -> None:
        """Write a piece of output of a container."""
        self._write_piece(text)
