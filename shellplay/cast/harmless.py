"""Let a terminal draw what a cast of a stranger says, and nothing else."""

from __future__ import annotations

import re

# What begins a sequence, alone and first: so a search runs over plain text at full speed.
_BEGIN = "[\x05\x1b\x90\x98\x9b\x9d-\x9f]"
_STRING = r"(?:(?<=\x1b)[\]PX^_]|(?<=[\x90\x98\x9d-\x9f]))[^\x07\x1b\x9c]*"
_CONTROL = r"(?:(?<=\x1b)\[|(?<=\x9b))"
# Operating system commands (title, clipboard), device control and the other strings; what
# makes a terminal answer as if one had typed (ENQ, DA, DSR, DECRQM, XTVERSION, and window
# reports).  See ctlseqs of xterm.
_SILENCED = re.compile(
    rf"{_BEGIN}(?:{_STRING}(?:[\x07\x9c]|\x1b\\|(?=\x1b[^\\]))"
    rf"|{_CONTROL}(?:[0-?]*[ -/]*[cnt]|[0-?]*\$p|>[0-?]*q)"
    r"|(?<=\x1b)Z|(?<=\x05))"
)
_UNFINISHED = re.compile(rf"{_BEGIN}(?:(?<=\x1b)|{_STRING}\x1b?|{_CONTROL}[0-?]*[ -/]*)\Z")
_DRAWING = re.compile(
    rf"{_BEGIN}(?:{_CONTROL}[0-?]*[ -/]*[@-~]|(?<=\x1b)[ -/]*[0-~])|[\r\x0e\x0f]"
)
LONGEST_SEQUENCE = 64 * 1024


class Harmless:
    """Takes out of a stream whatever acts beyond the screen or asks for an answer."""

    def __init__(self) -> None:
        self._pending = ""

    def feed(self, piece: str) -> str:
        """Return what may be written so far; an unfinished sequence waits for its rest."""
        text = _SILENCED.sub("", self._pending + piece)
        cut = _UNFINISHED.search(text)
        self._pending = cut[0] if cut else ""
        shown = text.removesuffix(self._pending)
        if len(self._pending) > LONGEST_SEQUENCE:
            self._pending = self._pending[:2]
        return shown


def plain(text: str) -> str:
    """Return text without any of its control sequences, as one would read it aloud."""
    return _DRAWING.sub("", _SILENCED.sub("", text))
