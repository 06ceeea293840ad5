"""Quoting of bash: a text as one word that is never expanded, and words that bash printed."""

from __future__ import annotations

import re

# A part in quotes.  Each quantifier is possessive, so that no text takes quadratic time.
ANSI = r"\$'[^'\\]*+(?:\\.[^'\\]*+)*+'"
DOUBLE = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
SINGLE = r"'[^']*+'"
QUOTED = f"(?:{ANSI}|{DOUBLE}|{SINGLE})"
_PARTS = rf"(?s){ANSI}|{DOUBLE}|{SINGLE}|\\.|[^'\"\\$]++"
_ANSI_ESCAPE = r"(?s)\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)"
_DOUBLE_ESCAPE = r'\\([$`"\\])'
# See "Quoting" in bash(1).
_LETTERS = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
    "v": "\v", "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip
_PLAIN = re.compile(r"[ -&(-~]*+").fullmatch
_SPECIAL = re.compile(rb"[^ -&(-\[\]-~]").sub


def quoted(text: str) -> str:
    """Return ``text`` as one word of printable ASCII, which bash reads in every locale."""
    if _PLAIN(text):
        return f"'{text}'"
    content = text.encode("utf-8", "surrogateescape")
    return f"$'{_SPECIAL(_octal, content).decode()}'"


def _octal(match: re.Match[bytes]) -> bytes:
    return b"\\%03o" % match[0][0]


def unquoted(word: str) -> str | None:
    """Return the text of a word as ``declare -p`` prints it; None for any other word.

    A word that is not quoted, and has characters that bash would expand, is such a word.
    """
    text, end = [], 0
    for match in re.finditer(_PARTS, word):
        if match.start() != end:
            return None
        end = match.end()
        part = _part(match[0])
        if part is None:
            return None
        text.append(part)
    if end != len(word):
        return None
    # Bytes of one character can come one by one.
    return "".join(text).encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _part(part: str) -> str | None:
    match part[0]:
        case "'":
            return part[1:-1]
        case '"':
            inner = part[1:-1]
            if re.search(r"(?<!\\)(?:\\\\)*+[$`]", inner):
                return None
            return re.sub(_DOUBLE_ESCAPE, r"\1", inner)
        case "$":
            try:
                return re.sub(_ANSI_ESCAPE, _unescaped, part[2:-1])
            except KeyError:
                return None
        case "\\":
            return part[1:]
    return part


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "01234567":
        number = int(code, 8)
    elif code[0] == "x" and len(code) > 1:
        number = int(code[1:], 16)
    else:
        return _LETTERS[code]
    if not 0 < number < 256:
        raise KeyError(code)
    return chr(number) if number < 128 else chr(0xDC00 + number)
