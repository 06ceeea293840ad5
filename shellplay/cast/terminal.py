"""Turn events into the characters for a terminal; only here is decided how they look."""

from __future__ import annotations

import codecs
import io
import re

from shellplay.cast.events import Event, Narration, Output, Prompt, Resized, Typed
from shellplay.views.sanitize import safe

PROSE_COLUMNS = 88
_PROMPT = "\x1b[1;32m{}\x1b[0m{}"
_DIM_LINE = "\x1b[2m{}\x1b[0m\n"
# Surrogates that the error handler surrogateescape does not make: they stand for no byte.
_NOT_A_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")


class Terminal:
    """Turns events, one after another, into the characters for a terminal.

    It remembers the last character, and the first bytes of a UTF-8 character that two
    events share.  With ``narrate`` prose becomes dim lines; without it prose is dropped.
    """

    def __init__(self, columns: int, *, narrate: bool = True) -> None:
        self._columns = columns
        self._narrate = narrate
        self._last = "\n"
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def characters(self, event: Event) -> str:
        """Return the characters of one event: valid Unicode, with CR LF as line end."""
        match event:
            case Prompt(text=text):
                return self._with_crlf(prompt(text))
            case Output(layout=layout) if layout is not None:
                return self._with_crlf(layout(self._columns))
            case Typed(text=text) | Output(text=text):
                return self._with_crlf(text)
            case Narration(markdown=markdown) if self._narrate:
                line_end = "" if self._last == "\n" else "\n"
                return self._with_crlf(line_end + prose(markdown, self._columns))
            case Resized(columns=columns):
                self._columns = columns
        return ""

    def finish(self) -> str:
        """Return U+FFFD if the last character is incomplete, else ""."""
        return self._decoder.decode(b"", final=True)

    def _with_crlf(self, text: str) -> str:
        text = self._decode(text)
        if not text:
            return ""
        before, self._last = self._last, text[-1]
        with_cr = text.replace("\r\n", "\n").replace("\n", "\r\n")
        # CR and LF came in two events, and the CR is written already: do not write it twice.
        return with_cr[1:] if before == "\r" and text[0] == "\n" else with_cr

    def _decode(self, text: str) -> str:
        """Return the text, with the bytes that came as lone surrogates decoded as UTF-8."""
        if text.isascii() and not self._decoder.getstate()[0]:
            return text
        known = _NOT_A_BYTE.sub("\ufffd", text)
        return self._decoder.decode(known.encode("utf-8", "surrogateescape"))


def prompt(text: str) -> str:
    """Return a prompt with its name in green; a prompt with escape sequences stays as it is."""
    if "\x1b" in text:
        return text
    name = text.rstrip("$#> ")
    return _PROMPT.format(name, text.removeprefix(name)) if name else text


def prose(markdown: str, columns: int) -> str:
    """Return Markdown as dim lines of at most ``columns`` cells, and an empty line."""
    from rich.console import Console
    from rich.markdown import Markdown

    width = min(columns, PROSE_COLUMNS)
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(Markdown(safe(markdown), hyperlinks=False))
    lines = [line.rstrip() for line in captured.get().strip("\n").splitlines()]
    return "".join(_DIM_LINE.format(line) if line else "\n" for line in lines) + "\n"
