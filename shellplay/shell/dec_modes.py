"""DEC private modes that programs have switched: alternate screen, mouse, cursor.

The user's terminal must switch to these modes when it begins to show a container, and back
when it stops.  See "DEC Private Mode" in console_codes(4).
"""

from __future__ import annotations

import re

SWITCH = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
ON_BY_DEFAULT = frozenset({b"7", b"25"})  # wrapping, and the cursor
# Cursor keys, alternate screen, mouse, focus, bracketed paste.
OFF_BY_DEFAULT = frozenset(b"1 47 1000 1002 1003 1004 1006 1015 1047 1049 2004".split())
ALTERNATE_SCREENS = frozenset({b"47", b"1047", b"1049"})


class ScreenModes:
    """The modes of a terminal that differ from the modes of a new terminal."""

    def __init__(self) -> None:
        # The order is kept: the alternate screen comes before the modes set on it.
        self._switched: dict[bytes, bytes] = {}

    def follow(self, output: bytes) -> None:
        """Record the modes that a piece of output switches."""
        if b"\x1b[?" not in output:
            return
        for numbers, switch in SWITCH.findall(output):
            for number in numbers.split(b";"):
                self._switched.pop(number, None)
                usual = b"h" if number in ON_BY_DEFAULT else b"l"
                if switch != usual and number in ON_BY_DEFAULT | OFF_BY_DEFAULT:
                    self._switched[number] = switch

    @property
    def is_alternate(self) -> bool:
        """Whether a program has switched to the alternate screen."""
        return not ALTERNATE_SCREENS.isdisjoint(self._switched)

    def set(self) -> bytes:
        """Return the sequences that give a new terminal these modes."""
        return b"".join(b"\x1b[?%b%b" % pair for pair in self._switched.items())

    def unset(self) -> bytes:
        """Return the sequences that switch these modes back."""
        opposite = {b"h": b"l", b"l": b"h"}
        pairs = reversed(self._switched.items())
        return b"".join(b"\x1b[?%b%b" % (number, opposite[switch]) for number, switch in pairs)
