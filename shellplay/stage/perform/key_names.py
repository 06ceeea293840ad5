"""The words of a ``key>`` line: names of keys, and text in quotes."""

from __future__ import annotations

import re

from shellplay.errors import UsageError

NAMED = {
    "Backspace": b"\x7f",
    "Delete": b"\x1b[3~",
    "Down": b"\x1b[B",
    "End": b"\x1b[F",
    "Enter": b"\r",
    "Esc": b"\x1b",
    "Home": b"\x1b[H",
    "Left": b"\x1b[D",
    "Right": b"\x1b[C",
    "Space": b" ",
    "Tab": b"\t",
    "Up": b"\x1b[A",
}
WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(\S+))')
CONTROL = re.compile(r"C-([a-zA-Z@\[\\\]^_])")


def keys(text: str) -> list[bytes]:
    """Return what a terminal sends for each word, as ``C-c``, ``Tab`` or ``"text"``.

    Raises UsageError that names the word that is no key.
    """
    return [
        _named(word) if word else re.sub(r"\\(.)", r"\1", quoted).encode()
        for quoted, word in WORD.findall(text.rstrip())
    ]


def _named(word: str) -> bytes:
    if word in NAMED:
        return NAMED[word]
    if control := CONTROL.fullmatch(word):
        return bytes([ord(control[1].upper()) & 0x1F])
    known = ", ".join(sorted(NAMED))
    raise UsageError(f"{word!r} is no key", f'C-c, {known}, or "text" in quotes')
