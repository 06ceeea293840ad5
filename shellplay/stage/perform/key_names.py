"""Parse the words of a ``key>`` line: names of keys, and text in quotes."""

from __future__ import annotations

import re

from shellplay.errors import UsageError

KEYS = {
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


def parse_keys(text: str) -> list[bytes]:
    """Return the bytes that a terminal sends for each word, as ``C-c``, ``Tab``, ``"text"``.

    Raises `UsageError` for a word that is not the name of a key.
    """
    return [
        _bytes_of_key(word) if word else re.sub(r"\\(.)", r"\1", quoted).encode()
        for quoted, word in WORD.findall(text.rstrip())
    ]


def _bytes_of_key(word: str) -> bytes:
    if word in KEYS:
        return KEYS[word]
    if control := CONTROL.fullmatch(word):
        return bytes([ord(control[1].upper()) & 0x1F])
    known = ", ".join(sorted(KEYS))
    raise UsageError(f"{word!r} is not a key", f'C-c, {known}, or "text" in quotes')
