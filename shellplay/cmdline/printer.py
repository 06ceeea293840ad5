"""The printer: the only part of the program that writes to standard output and error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TextIO

from shellplay.cmdline.outcomes import Page
from shellplay.errors import OutputLost
from shellplay.kernel.shortage import user_error
from shellplay.views.drawn_stream import DrawnStream
from shellplay.views.render import dimmed, render
from shellplay.views.sanitize import SafeStream, safe
from shellplay.views.wrap import wrap

LONGEST = 1000
USUAL_WIDTH = 80


class Printer:
    """Writes outcomes to ``out`` and errors to ``err``, for the width of the terminal.

    Each printer in ``copies`` gets every call, too, and renders for its own width.
    ``redraws`` is true if ``out`` is a terminal with a movable cursor.  If it is ``quiet``, it
    writes no sentence but warnings and errors; with ``json`` an error is a document.
    """

    def __init__(self, out: TextIO, err: TextIO, *, color: bool) -> None:
        self.out = out
        self.err = err
        self.color = color
        self.redraws = False
        self.quiet = False
        self.json = False
        self.copies: list[Printer] = []
        self._stream = SafeStream(colors=color)
        self._drawn = DrawnStream()
        self._partial = False

    @classmethod
    def standard(cls) -> Printer:
        """Return the printer of the standard streams, with colours on a terminal."""
        # A character outside the encoding of the locale must not end the program.
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        dumb = os.environ.get("TERM", "") in ("", "dumb", "unknown")
        color = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and not dumb
        found = cls(sys.stdout, sys.stderr, color=color)
        found.redraws = sys.stdout.isatty() and not dumb
        return found

    @property
    def width(self) -> int:
        """The current width in columns."""
        columns = os.environ.get("COLUMNS", "")
        if columns.isascii() and columns[:9].isdigit() and int(columns[:9]):
            return int(columns[:9])
        try:
            return os.get_terminal_size(self.out.fileno()).columns or USUAL_WIDTH
        except OSError:
            # Not a terminal; or not a descriptor: io.UnsupportedOperation is an OSError.
            return USUAL_WIDTH

    def show(self, thing: object) -> None:
        """Write a string, a page or a rich renderable, ended by a line end."""
        laid_out = thing.layout(self.width) if isinstance(thing, Page) else thing
        self._whole(self._rendered(laid_out))
        for copy in self.copies:
            copy.show(thing)

    def redraw(self, thing: object, lines: int) -> int:
        """Write a string or a drawing over the last ``lines`` lines; return how many it has.

        It is cut to the height of the terminal.  Where the cursor cannot be moved it is
        written behind those lines.
        """
        if not self.redraws:
            self.show(thing)
            return 0
        room = max(os.get_terminal_size(self.out.fileno()).lines - 1, 1)
        drawn = self._rendered(thing).splitlines()[:room]
        up = f"\x1b[{lines}A" if lines else ""
        self._whole(f"{up}\r\x1b[J" + "\n".join(drawn))
        for copy in self.copies:
            copy.show(thing)
        return len(drawn)

    def say(self, sentence: str, details: Sequence[str] = ()) -> None:
        """Write sentences of a result; on a terminal lines break between words.

        ``details`` are parts of them that are dim where there are colours.
        """
        if not self.quiet:
            text = self._fitting(sentence, self.out)
            self._whole(dimmed(text, details) if self.color else text)
        for copy in self.copies:
            copy.say(sentence, details)

    def text(self, text: str) -> None:
        """Write output of a container, without unsafe control characters."""
        self._whole(safe(text, colors=self.color))
        for copy in self.copies:
            copy.text(text)

    def stream(self, text: str) -> None:
        """Write a piece of output of a container at once; the last line can be incomplete."""
        self._write_piece(self._stream.feed(text))
        for copy in self.copies:
            copy.stream(text)

    def draw(self, text: str) -> None:
        """Write a piece of output of a program that has the terminal in raw mode.

        It may move the cursor; what else it could do to the terminal is left out.
        """
        drawn = self._drawn.feed(text)
        if drawn:
            self.write(drawn)
            self._partial = not self._drawn.at_margin
        for copy in self.copies:
            copy.stream(text.replace("\r\n", "\n"))

    def end_stream(self) -> None:
        """End the incomplete line of a stream."""
        self._write_piece(self._stream.finish())
        if reset := self._drawn.finish():
            self.write(reset)
        if self._partial:
            self._write_piece("\n")
        for copy in self.copies:
            copy.end_stream()

    def write(self, text: str) -> None:
        """Write text as it is, without a line end; raise OutputLost if it cannot be written."""
        try:
            self.out.write(text)
            self.out.flush()
        except OSError as error:
            raise OutputLost(error) from error

    def error(self, error: Exception, where: str = "") -> None:
        """Write an error as one sentence, or as one document, to the error stream."""
        told = user_error(error)
        if self.json:
            from shellplay.views.json import error_document

            self.end_stream()
            self.err.write(error_document(told, where.removesuffix(": ")) + "\n")
            self.err.flush()
        else:
            sentence = str(told)
            if len(sentence) > LONGEST:
                sentence = f"{sentence[: LONGEST - 1]}…"
            self._note(f"shellplay: {where}{sentence}")
        for copy in self.copies:
            copy.error(error)

    def note(self, sentence: str) -> None:
        """Write a sentence that is not a result to the error stream."""
        if not self.quiet:
            self._note(sentence)
        for copy in self.copies:
            copy.note(sentence)

    def warning(self, sentence: str) -> None:
        """Write a warning to the error stream, as Docker spells it."""
        self._note(f"WARNING: {sentence}")
        for copy in self.copies:
            copy.warning(sentence)

    def _rendered(self, thing: object) -> str:
        return render(thing, self.width, self.color, ascii=not self._draws_lines)

    @property
    def _draws_lines(self) -> bool:
        """Whether the encoding of the output has the characters of drawings."""
        try:
            "╭─│".encode(self.out.encoding or "utf-8")
        except UnicodeEncodeError:
            return False
        return True

    def _note(self, sentence: str) -> None:
        self.end_stream()
        self.err.write(self._fitting(sentence, self.err) + "\n")
        self.err.flush()

    def _fitting(self, sentence: str, stream: TextIO) -> str:
        # The reader of a pipe or a file breaks lines itself; so do copies.
        text = safe(sentence)
        return wrap(text, self.width) if stream.isatty() else text

    def _write_piece(self, piece: str) -> None:
        if piece:
            self.write(piece)
            self._partial = not piece.removesuffix("\x1b[0m").endswith("\n")

    def _whole(self, text: str) -> None:
        self.end_stream()
        if text:
            self.write(text if text.endswith("\n") else f"{text}\n")
