"""The width of text in terminal cells, and how text is cut or filled to a width."""

from __future__ import annotations

import unicodedata

ELLIPSIS = "…"


def width(text: str) -> int:
    """Return the width of a line of safe text in terminal cells."""
    if text.isascii():
        return len(text)
    return sum(map(_character_width, text))


def fit(text: str, room: int) -> str:
    """Return text cut to at most ``room`` cells; cut text ends in an ellipsis."""
    if width(text) <= room:
        return text
    if room < 1:
        return ""
    kept, used = [], 0
    for character in text:
        used += _character_width(character)
        if used > room - 1:
            break
        kept.append(character)
    return "".join(kept) + ELLIPSIS


def pad(text: str, room: int, *, right: bool = False) -> str:
    """Return text filled with blanks to ``room`` cells; ``right`` aligns it on the right."""
    if text.isascii():
        return text.rjust(room) if right else text.ljust(room)
    blanks = " " * (room - width(text))
    return blanks + text if right else text + blanks


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in (
        "Mn",
        "Me",
        "Cf",
    ):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
