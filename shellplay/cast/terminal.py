"""What a terminal is sent for each event: the one place that says how events look there."""

from __future__ import annotations

import codecs
import io
import re

from shellplay.cast.events import Event, Narration, Output, Prompt, Resized, Typed
from shellplay.views.sanitize import safe

PROSE_COLUMNS = 88
_PROMPT = "\x1b[1;32m{}\x1b[0m{}"
_DIM = "\x1b[2m{}\x1b[0m\n"
# Surrogates that no decoder made: they stand for nothing at all.
_NO_CHARACTER = re.compile("[\ud800-\udc7f\udd00-\udfff]")


class Terminal:
    """Turns events, one after another, into the characters that a terminal is sent.

    It remembers what the next event needs: whether the cursor is at the start of a line,
    whether a carriage return was sent, and the first bytes of a character cut in two.
    With ``narrate`` prose becomes dim lines, otherwise it leaves no trace.
    """

    def __init__(self, columns: int, *, narrate: bool = True) -> None:
        self._columns = columns
        self._narrate = narrate
        self._last = "\n"
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def characters(self, event: Event) -> str:
        """Return what is sent for one event: valid Unicode, and CR LF as line end."""
        match event:
            case Prompt(text=text):
                return self._sent(prompt(text))
            case Typed(text=text) | Output(text=text):
                return self._sent(text)
            case Narration(markdown=markdown) if self._narrate:
                fresh = "" if self._last == "\n" else "\n"
                return self._sent(fresh + prose(markdown, self._columns))
            case Resized(columns=columns):
                self._columns = columns
        return ""

    def rest(self) -> str:
        """Return what stands for a character that was never completed."""
        return self._decoder.decode(b"", final=True)

    def _sent(self, text: str) -> str:
        text = self._decoded(text)
        if not text:
            return ""
        before, self._last = self._last, text[-1]
        ended = text.replace("\r\n", "\n").replace("\n", "\r\n")
        # The carriage return of a pair that was cut in two has been sent already.
        return ended[1:] if before == "\r" and text[0] == "\n" else ended

    def _decoded(self, text: str) -> str:
        """Return text in which bytes that came as lone surrogates are characters again."""
        if text.isascii() and not self._decoder.getstate()[0]:
            return text
        known = _NO_CHARACTER.sub("\ufffd", text)
        return self._decoder.decode(known.encode("utf-8", "surrogateescape"))


def prompt(text: str) -> str:
    """Return a prompt as it is shown: its name in green, unless it has its own colours."""
    if "\x1b" in text:
        return text
    name = text.rstrip("$#> ")
    return _PROMPT.format(name, text.removeprefix(name)) if name else text


def prose(markdown: str, columns: int) -> str:
    """Return Markdown as dim lines that fit into ``columns``, with an empty line after it."""
    from rich.console import Console
    from rich.markdown import Markdown

    width = min(columns, PROSE_COLUMNS)
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(Markdown(safe(markdown), hyperlinks=False))
    lines = [line.rstrip() for line in captured.get().strip("\n").splitlines()]
    return "".join(_DIM.format(line) if line else "\n" for line in lines) + "\n"
