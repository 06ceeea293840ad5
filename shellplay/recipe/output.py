"""Split output into the lines that a terminal would show, without colours and movement."""

from __future__ import annotations

import re

ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, movement, modes
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: titles, marks, links
    r"|\x1b[PX^_][^\x1b]*\x1b\\"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"
)
LINE_END = re.compile(r"(?<!\r)\r+\n")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
SURROGATES = re.compile(r"[\ud800-\udfff]")


def lines(output: str) -> tuple[str, ...]:
    """Return the lines of an output as they are compared with expected lines.

    They have no escape sequences and no control characters.  CR LF ends a line as LF does.
    CR alone moves to the start of the line, so only the text after the last CR counts.
    """
    text = LINE_END.sub("\n", ESCAPES.sub("", output)).removesuffix("\n")
    if not output:
        return ()
    return tuple(map(_visible, text.split("\n")))


def _visible(line: str) -> str:
    last = line.rstrip("\r").rpartition("\r")[2]
    return SURROGATES.sub("\ufffd", CONTROLS.sub("", last))
