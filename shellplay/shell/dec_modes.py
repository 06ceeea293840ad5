"""The modes that the programs on a terminal have switched: alternate screen, mouse, cursor.

A terminal that begins to show them has to switch, too, and gets its own modes back
when it stops; see DEC private modes in console_codes(4).
"""

from __future__ import annotations

import re

SWITCH = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
ON_BY_DEFAULT = frozenset({b"7", b"25"})  # wrapping, and the cursor
# Cursor keys, alternate screen, mouse, focus, bracketed paste.
OFF_BY_DEFAULT = frozenset(b"1 47 1000 1002 1003 1004 1006 1015 1047 1049 2004".split())


class ScreenModes:
    """Which modes of a terminal are not as they are in a fresh one."""

    def __init__(self) -> None:
        # A dict, for its order: the alternate screen comes before what is done on it.
        self._switched: dict[bytes, bytes] = {}

    def follow(self, output: bytes) -> None:
        """Note the modes that a piece of output switches."""
        if b"\x1b[?" not in output:
            return
        for numbers, switch in SWITCH.findall(output):
            for number in numbers.split(b";"):
                self._switched.pop(number, None)
                usual = b"h" if number in ON_BY_DEFAULT else b"l"
                if switch != usual and number in ON_BY_DEFAULT | OFF_BY_DEFAULT:
                    self._switched[number] = switch

    def set(self) -> bytes:
        """Return what makes a fresh terminal have these modes."""
        return b"".join(b"\x1b[?%b%b" % pair for pair in self._switched.items())

    def unset(self) -> bytes:
        """Return what makes a terminal with these modes a fresh one."""
        opposite = {b"h": b"l", b"l": b"h"}
        pairs = reversed(self._switched.items())
        return b"".join(b"\x1b[?%b%b" % (number, opposite[switch]) for number, switch in pairs)
