"""The one sanitiser: all text from outside shellplay passes here before a terminal gets it.

A command line, a hostname, a path or a line of output may contain escape sequences.  A
terminal obeys them: it moves the cursor, renames its window or types an answer.

- `safe` and `safe_line` make control characters visible, as ``\\x1b``.  A lone surrogate,
  as Python decodes a byte that is not UTF-8, becomes ``\\xe9``.
- `SafeStream` does the same with text that arrives in pieces.

A cast may draw: `control_sequences` keeps the sequences that do.
"""

from __future__ import annotations

import re

# Characters that hide or reorder text: soft hyphen, bidi marks and overrides, zero-width and
# invisible operators, line and paragraph separators, byte order mark, annotations, tags and
# supplementary variation selectors; surrogates.  The joiners U+200C and U+200D stay: Persian,
# Hindi and emoji need them.
_HIDDEN = (
    "\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff\ud800-\udfff"
)  # C0 without \t and \n, DEL and C1.
_UNSAFE = f"\x00-\x08\x0b-\x1f\x7f-\x9f{_HIDDEN}"
# All patterns are strings: re compiles them at their first use, and most commands show only
# printable ASCII.
_TEXT = f"\r+(?=\n)|[{_UNSAFE}]"
_LINE = f"[\t\n{_UNSAFE}]"
_COLORED = f"(\x1b\\[[0-9;:]{{0,64}}m)|\r+(?=\n)|[{_UNSAFE}]"
_UNFINISHED_COLOR = "(?:\x1b(?:\\[[0-9;:]{0,64})?|\r+)\\Z"
_RESET = "\x1b[0m"
_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def safe(text: str, *, colors: bool = False) -> str:
    """Return text that may be written to a terminal; line ends and tabs stay.

    With ``colors``, the SGR sequences that set colours stay too, and a reset follows them.
    """
    if text.isascii() and text.isprintable():
        return text
    if not colors:
        return re.sub(_TEXT, _visible_text, text)
    shown = re.sub(_COLORED, lambda match: match[1] or _visible_text(match), text)
    return shown if _is_reset(shown) else shown + _RESET


def without_hidden(text: str) -> str:
    """Return text in which characters that hide or reorder others are visible."""
    return text if text.isascii() else re.sub(f"[{_HIDDEN}]", lambda m: visible(m[0]), text)


def safe_line(text: str) -> str:
    """Return text for one cell of a table: line ends and tabs become visible, too."""
    if text.isascii() and text.isprintable():
        return text
    return re.sub(_LINE, lambda match: visible(match[0]), text)


def visible(character: str) -> str:
    """Return one character spelled out, as ``\\x1b`` or ``\\u202e``.

    A lone surrogate of ``surrogateescape`` (PEP 383) becomes the byte that it stands for.
    """
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


class SafeStream:
    """Makes text safe that arrives in pieces, also where a piece ends within a sequence."""

    def __init__(self, *, colors: bool = False) -> None:
        self._colors = colors
        self._pending = ""

    def feed(self, piece: str) -> str:
        """Return the text that is complete so far; an unfinished sequence is kept back."""
        text = self._pending + piece
        cut = re.search(_UNFINISHED_COLOR, text)
        self._pending = cut[0] if cut else ""
        return safe(text.removesuffix(self._pending), colors=self._colors)

    def finish(self) -> str:
        """Return the unfinished sequence that was kept back, made safe; "" if there is none."""
        pending, self._pending = self._pending, ""
        return safe(pending, colors=self._colors)


def _visible_text(match: re.Match[str]) -> str:
    # A terminal ends a line with \r\n; this \r moves nothing, so it is dropped.
    found = match[0]
    ends_line = found[0] == "\r" and match.string[match.end() : match.end() + 1] == "\n"
    return "" if ends_line else visible(found)


def _is_reset(text: str) -> bool:
    last = text.rfind("\x1b[")
    return last < 0 or text.startswith((_RESET, "\x1b[m"), last)
