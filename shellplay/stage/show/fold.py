"""Fold the long output of a step: the viewer sees its beginning and its end."""

from __future__ import annotations

import re

from shellplay.views.control_sequences import strip_sequences
from shellplay.views.text_width import width

# What is shown of a longer output; with the line between them there are 15 rows.
HEAD_ROWS, TAIL_LINES = 10, 4
# What is kept for the viewer. Of more lines, those in the middle are forgotten; an output
# with a longer line is not folded.
MAX_LINES, FORGOTTEN_LINES, MAX_LINE = 5_000, 1_000, 4_096
CUT = "[...]\n"
# What moves the cursor: such an output draws, and is shown as it is.
_MOVES = re.compile(r"\x1b(?!\[[0-9;:]*m)|\r(?!\n)|[\b\v\f]")


def moves_cursor(text: str) -> bool:
    """Return whether output moves the cursor otherwise than by printing lines."""
    return _MOVES.search(text) is not None


class OutputFold:
    """Folds the output of each step, for a terminal of ``columns`` columns.

    ``folded`` has the lines of the last output that was folded, without colours.
    """

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.folded: list[str] = []
        self._begin()

    def _begin(self) -> None:
        # The lines of this output; the last one may be incomplete.
        self._lines: list[str] = [""]
        self._forgotten = 0
        self._rows = 0
        # The lines from this number on are not shown yet; None: all are.
        self._hidden: int | None = None
        self._folds = True

    def feed(self, text: str) -> str:
        """Take a piece of output, and return what is shown of it now."""
        shown = [self._feed_part(part) for part in text.splitlines(keepends=True)]
        if self._folds and (moves_cursor(text) or len(self._lines[-1]) > MAX_LINE):
            shown.append(self._release())
            self._folds = False
        return "".join(shown)

    def finish(self, note: str) -> str:
        """Return the rest of an output that has ended; ``note`` stands for {} folded lines."""
        lines = self._lines if self._lines[-1] else self._lines[:-1]
        hidden = [] if self._hidden is None else lines[self._hidden :]
        if len(hidden) <= TAIL_LINES + 1:
            shown = self._release()
        else:
            count = len(hidden) - TAIL_LINES + self._forgotten
            self.folded = [strip_sequences(line).rstrip("\n") for line in lines]
            reset = "\x1b[0m" if any("\x1b" in line for line in lines) else ""
            shown = f"{reset}{note.format(count)}\n{''.join(hidden[-TAIL_LINES:])}"
        self._begin()
        return shown

    def _feed_part(self, part: str) -> str:
        """Take a line or a part of it; return it if it is shown now."""
        if not self._folds:
            return part
        self._lines[-1] += part
        is_hidden = self._hidden is not None
        if part.endswith("\n"):
            cells = width(strip_sequences(self._lines[-1]).rstrip("\n"))
            self._rows += max(1, -(-cells // self.columns))
            self._lines.append("")
            if self._hidden is None and self._rows >= HEAD_ROWS:
                self._hidden = len(self._lines) - 1
        if len(self._lines) > MAX_LINES:
            middle = MAX_LINES // 2
            self._lines[middle : middle + FORGOTTEN_LINES] = [CUT]
            self._forgotten += FORGOTTEN_LINES - 1
        return "" if is_hidden else part

    def _release(self) -> str:
        """Return all that is hidden, and hide nothing."""
        shown = "" if self._hidden is None else "".join(self._lines[self._hidden :])
        self._hidden = None
        return shown
