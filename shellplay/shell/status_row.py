"""A bar in the last row of a terminal, below a scroll region: DECSTBM in console_codes(4).

The sequences only; the caller writes them, and keeps the text safe and short enough.
"""

from __future__ import annotations

# Below this size a bar takes more than it gives.
MIN_ROWS, MIN_COLUMNS = 6, 30
_SAVE, _RESTORE = "\x1b7", "\x1b8"


def has_room(columns: int, rows: int) -> bool:
    """Return whether a terminal of this size has room for a bar."""
    return rows >= MIN_ROWS and columns >= MIN_COLUMNS


def reserve(rows: int) -> str:
    """Return the sequence that keeps the last of ``rows`` rows out of what scrolls.

    A cursor in that row moves up, together with the text above it.
    """
    whole = f"{_SAVE}\x1b[r{_RESTORE}"
    # IND scrolls if the cursor is in the last row, and keeps its column.
    return f"{whole}\x1bD\x1b[A{_SAVE}\x1b[1;{rows - 1}r{_RESTORE}"


def draw(text: str, rows: int, *, color: bool = True) -> str:
    """Return the sequence that writes ``text`` into the last row; the cursor stays.

    DECRC gives the cursor, its style and its character set back.
    """
    style = "7" if color else "0"
    # Absolute rows, and ASCII in the place of the line characters that a program may use. The
    # row is emptied first: after its last cell EL would erase that.
    plain = f"\x1b[?6l\x1b(B\x0f\x1b[0m\x1b[{rows};1H\x1b[2K"
    return f"{_SAVE}{plain}\x1b[{style}m{text}\x1b[0m{_RESTORE}"


def release(rows: int) -> str:
    """Return the sequence that empties the last row, and lets all rows scroll again."""
    return f"{_SAVE}\x1b[r\x1b[{rows};1H\x1b[0m\x1b[2K{_RESTORE}"
