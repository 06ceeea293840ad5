"""The bar in the last row of the user's terminal while a container has the rows above it.

A program inside has one row less, and a scroll region keeps its lines out of the last row.  It
can erase the bar and reset the region, by chance or on purpose.  So the bar is drawn again soon
after any output with an escape sequence, when no sequence is half written.
"""

from __future__ import annotations

import re
import time

from shellplay.shell import status_row

# After a moment without output, and at the latest after the longer time.
QUIET_SECONDS, LATEST_SECONDS = 0.05, 1.0
# A sequence that is half written for this time, or for the longer time while there is output,
# is cancelled.
HALF_SECONDS, HALF_LATEST_SECONDS = 1.0, 10.0
# The old bar is below the cursor, wherever the terminal has moved it.
REMOVAL = b"\x1b7\x1b[r\x1b8\x1b[J"
# Removes the bar, whatever the size: a terminal takes its last row for a greater number.
FAREWELL = status_row.release(999).encode()
# CAN cancels a sequence, and ST ends a string where CAN does not.
ESCAPE, CANCEL = b"\x1b", b"\x18\x1b\\"
# Margins; and what removes them or may do so: a reset, origin mode, the other screen.
_MARGINS = re.compile(rb"\x1b\[([0-9]*)(?:;([0-9]*))?r")
_RESET = re.compile(
    rb"\x1b(?:c|\[!p|\[\?(?:[0-9;]*;)?(?:3|6|47|69|1047|1049)(?:;[0-9;]*)?[hl])"
)
_OTHER_SCREEN_LEFT = re.compile(rb"\x1b\[\?(?:47|1047|1049)l")
# A sequence that has its end. The end of a string is BEL, or an escape sequence of its own.
_COMPLETE = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x18\x1a]*[\x07\x18\x1a]|[ -/]*[0-OQ-WYZ\\`-~])"
)
_STRING = re.compile(rb"\x1b[\]PX^_]")
_STRING_END = re.compile(rb"[\x07\x18\x1a]")
_CUT_CHARACTER = re.compile(
    rb"(?:[\xc0-\xff]|[\xe0-\xff][\x80-\xbf]|[\xf0-\xff][\x80-\xbf]{2})\Z"
)


class EnterBar:
    """A bar with ``text`` for a terminal whose size can change.

    Text, columns and rows are in characters.  The functions return what the caller has to
    write to the terminal.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._columns = self._rows = 0
        # Whether the bar must be drawn again, and the scroll region with it.
        self._is_due = self._region_is_due = False
        # Whether a bar for another size may still be on the screen that is not shown, and
        # whether that screen is shown now.
        self._has_old_bar = self._old_bar_is_due = False
        self._next = self._latest = self._seen = self._half_latest = 0.0
        # What is half written at the end of the output.
        self._in_sequence = self._in_string = False

    def resize(self, columns: int, rows: int) -> tuple[int, int]:
        """Take the size of the terminal, and return the size for the program inside."""
        self._columns, self._rows = columns, rows
        return (columns, rows - 1) if self._has_room else (columns, rows)

    @property
    def _has_room(self) -> bool:
        return status_row.has_room(self._columns, self._rows)

    def begin(self) -> bytes:
        """Return the sequence that shows the bar for the first time."""
        return self._drawn(region=True)

    def begin_again(self) -> bytes:
        """Return the sequence that shows the bar in a terminal of another size."""
        self._has_old_bar = True
        return REMOVAL + self._drawn(region=True)

    def end(self) -> bytes:
        """Return the sequence that removes the bar."""
        return status_row.release(self._rows).encode() if self._has_room else b""

    def saw(self, output: bytes) -> None:
        """Take output that was written to the terminal."""
        escape = output.rfind(ESCAPE)
        if escape < 0 and not (self._is_due and output):
            return
        self._seen = time.monotonic()
        if escape < 0:
            ends = not self._in_string or _STRING_END.search(output) is not None
            self._in_sequence = not ends or _CUT_CHARACTER.search(output[-3:]) is not None
            self._in_string = not ends
        else:
            self._follow_sequences(output, escape)
        self._next = min(self._seen + QUIET_SECONDS, self._latest)

    def _follow_sequences(self, output: bytes, last: int) -> None:
        if not self._is_due:
            self._is_due = True
            self._latest = self._seen + LATEST_SECONDS
            self._half_latest = self._seen + HALF_LATEST_SECONDS
        if _RESET.search(output):
            self._region_is_due = True
            if self._has_old_bar and _OTHER_SCREEN_LEFT.search(output):
                self._has_old_bar, self._old_bar_is_due = False, True
        for margins in _MARGINS.finditer(output):
            bottom = int(margins[2][:9]) if margins[2] else 0
            self._region_is_due = not 0 < bottom < self._rows
        tail = output[last:]
        self._in_sequence = _COMPLETE.match(tail) is None
        self._in_string = self._in_sequence and _STRING.match(tail) is not None
        if not self._in_sequence:
            self._in_sequence = _CUT_CHARACTER.search(output[-3:]) is not None

    def wait_ms(self) -> float | None:
        """Return the milliseconds until `due` may return something; None: it will not."""
        return max(0.0, self._next - time.monotonic()) * 1000 + 1 if self._is_due else None

    def due(self) -> bytes:
        """Return the sequence that draws the bar again, if it is time for that."""
        now = time.monotonic()
        if not self._is_due or now < self._next:
            return b""
        if self._in_sequence and now < min(self._seen + HALF_SECONDS, self._half_latest):
            self._next = now + QUIET_SECONDS
            return b""
        # A sequence that is never completed would keep the bar away for ever.
        before = CANCEL if self._in_sequence else b""
        before += REMOVAL if self._old_bar_is_due else b""
        region = self._region_is_due or self._old_bar_is_due
        self._old_bar_is_due = False
        self._is_due = self._region_is_due = self._in_sequence = self._in_string = False
        return before + self._drawn(region=region)

    def _drawn(self, *, region: bool) -> bytes:
        if not self._has_room:
            return b""
        text = self._text[: self._columns].ljust(self._columns)
        reserve = status_row.reserve(self._rows) if region else ""
        return (reserve + status_row.draw(text, self._rows)).encode()
