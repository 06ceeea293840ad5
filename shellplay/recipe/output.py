"""Output as lines: what a terminal would show of it, without colour and movement."""

from __future__ import annotations

import re

ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, movement, modes
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: titles, marks, links
    r"|\x1b[PX^_][^\x1b]*\x1b\\"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"
)
LINE_END = re.compile(r"(?<!\r)\r+\n")
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
NOT_UNICODE = re.compile(r"[\ud800-\udfff]")


def lines(output: str) -> tuple[str, ...]:
    """Return the lines of an output as they are compared.

    Escape sequences and control characters are dropped, CR LF ends a line as LF does, and
    of a line that CR begins anew the last text counts.
    """
    text = LINE_END.sub("\n", ESCAPES.sub("", output)).removesuffix("\n")
    if not output:
        return ()
    return tuple(map(_seen, text.split("\n")))


def _seen(line: str) -> str:
    last = line.rstrip("\r").rpartition("\r")[2]
    return NOT_UNICODE.sub("\ufffd", UNSEEN.sub("", last))
