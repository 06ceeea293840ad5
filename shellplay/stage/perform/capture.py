"""Capture the output of a step, from shellplay and from programs, in one order."""

from __future__ import annotations

import codecs
import mmap
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from shellplay.cmdline.outcomes import Page
from shellplay.cmdline.printer import Printer
from shellplay.views.render import render
from shellplay.views.sanitize import safe
from shellplay.views.wrap import wrap

CHUNK = 1 << 16
FREED_AT_ONCE = 1 << 20
# Bytes (or characters) kept of a very long output, at its beginning and at its end.
MAX_PART = 4 << 20
GAP = "\n[...]\n"
CUT_SECONDS = 0.02

Layout = Callable[[int], str]


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
    to a person makes it safe.  With ``keeps_layouts`` it remembers how each of its sentences
    and tables looks in another width, and `with_layouts` finds them again in captured text.
    """

    def __init__(self, out: TextIO, columns: int, *, keeps_layouts: bool = False) -> None:
        super().__init__(out, out, color=False)
        self._columns = columns
        self._keeps_layouts = keeps_layouts
        self._layouts: list[tuple[str, Layout]] = []

    @property
    def width(self) -> int:
        """The columns of the recipe, whatever the size of the real terminal."""
        return self._columns

    def show(self, thing: object) -> None:
        """Write a string, a page or a drawing; remember its layout."""

        def layout(columns: int, *, color: bool = True) -> str:
            laid_out = thing.layout(columns) if isinstance(thing, Page) else thing
            return render(laid_out, columns, color)

        if self._keeps_layouts:
            self._layouts.append((layout(self._columns, color=False), layout))
        super().show(thing)

    def say(self, sentence: str, details: Sequence[str] = ()) -> None:
        """Write a sentence; remember its layout."""
        self._keep_sentence(sentence)
        super().say(sentence, details)

    def stream(self, text: str) -> None:
        """Write a piece of output of a container."""
        self._write_piece(text)

    def with_layouts(self, captured: str) -> Iterator[tuple[str, Layout | None]]:
        """Yield captured text in parts, each with its layout; None: it has no other layout.

        A sentence is searched by its text: programs write to the same file, so no place in
        it is certain.  All layouts are forgotten afterwards.
        """
        at = 0
        for text, layout in self._layouts:
            found = captured.find(text, at) if text.strip() else -1
            if found < 0:
                continue
            if found > at:
                yield captured[at:found], None
            yield text, layout
            at = found + len(text)
        self._layouts.clear()
        if at < len(captured):
            yield captured[at:], None

    def _note(self, sentence: str) -> None:
        self._keep_sentence(sentence)
        super()._note(sentence)

    def _keep_sentence(self, sentence: str) -> None:
        if self._keeps_layouts:
            self._layouts.append((f"{safe(sentence)}\n", sentence_layout(sentence)))


def sentence_layout(sentence: str) -> Layout:
    """Return the layout of a sentence: lines break between words, as at the prompt."""
    return lambda columns: f"{wrap(safe(sentence), columns)}\n"
