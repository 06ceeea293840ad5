"""Quoting of bash: a text as one word that is never expanded, and words that bash printed."""

from __future__ import annotations

import re

# A part in quotes.  Each quantifier is possessive, so that no text takes quadratic time.
ANSI = r"\$'[^'\\]*+(?:\\.[^'\\]*+)*+'"
DOUBLE = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
SINGLE = r"'[^']*+'"
QUOTED = f"(?:{ANSI}|{DOUBLE}|{SINGLE})"
_PARTS = rf"(?s){ANSI}|{DOUBLE}|{SINGLE}|\\.|[^'\"\\$]++"
_ANSI_ESCAPE = r"(?s)(\\(?:[0-7]{1,3}|x[0-9a-fA-F]{1,2}|.))"
_DOUBLE_ESCAPE = r'\\([$`"\\])'
# See "Quoting" in bash(1).
_LETTERS = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
    "v": "\v", "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip
_PLAIN = re.compile(r"[ -&(-~]*+").fullmatch
# Each byte within $'...': as it is, if it is printable ASCII and not special there.
_ESCAPED = [
    chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\{byte:03o}"
    for byte in range(256)
]


def quoted(text: str) -> str:
    """Return ``text`` as one word of printable ASCII, which bash reads in every locale."""
    if _PLAIN(text):
        return f"'{text}'"
    # All bytes at once, as a value can have many megabytes.
    content = text.encode("utf-8", "surrogateescape")
    return f"$'{''.join(map(_ESCAPED.__getitem__, content))}'"


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
            parts: list[str] = re.split(_ANSI_ESCAPE, part[2:-1])
            characters: dict[str, str] = {}
            for escape in set(parts[1::2]):
                character = _unescaped(escape[1:])
                if character is None:
                    return None
                characters[escape] = character
            parts[1::2] = map(characters.__getitem__, parts[1::2])
            return "".join(parts)
        case "\\":
            return part[1:]
    return part


def _unescaped(code: str) -> str | None:
    if code[0] in "01234567":
        number = int(code, 8)
    elif code[0] == "x" and len(code) > 1:
        number = int(code[1:], 16)
    else:
        return _LETTERS.get(code)
    if not 0 < number < 256:
        return None
    return chr(number) if number < 128 else chr(0xDC00 + number)
