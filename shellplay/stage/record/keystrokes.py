"""What is typed into a live bash while it is entered, cut into steps.

Bash tells each line as it is when Enter is pressed; its output and its status are what
comes between its marks.  What a program reads is known by its echo, or not at all.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from shellplay.container.container import Container
from shellplay.recipe.output import lines
from shellplay.shell.osc133 import Mark
from shellplay.shell.run_line import Collector
from shellplay.shell.terminal import Terminal
from shellplay.stage.record.values import last_pid

# Keys that a step may press; the rest stays between a user and a program.
KEYS = {
    b"\r": "Enter",
    b"\n": "Enter",
    b"\x03": "C-c",
    b"\x04": "C-d",
    b"\x1a": "C-z",
    b"\x7f": "Backspace",
}
PIECE = re.compile(rb"[\r\n\x03\x04\x1a\x7f]|[^\x00-\x1f\x7f]+|.", re.DOTALL)
ECHO = 0o10
LOCAL_MODES = 3


Size = tuple[int, int]


class Kept(Enum):
    """How much of a line has been written down before it has ended."""

    NOTHING = auto()
    KEYS = auto()
    SKIPPED = auto()


@dataclass
class Line:
    """One line that bash is given: its text, what has come of it, and the keys meanwhile.

    ``size`` is that of the terminal when Enter was pressed.
    """

    text: str
    pid: int
    size: Size
    began: float = field(default_factory=time.monotonic)
    collector: Collector = field(default_factory=lambda: Collector(None))
    kept: Kept = Kept.NOTHING
    since: int = field(default_factory=last_pid)
    seconds: float = 0.0
    is_shown: bool = False
    is_last: bool = False
    is_muddled: bool = False
    is_secret: bool = False
    typed: list[bytes] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        """The words of ``key>`` lines for what was typed while it ran, one for each line."""
        found: list[str] = []
        for row in self.rows:
            words = [KEYS.get(each) or quoted(each.decode("utf-8", "replace")) for each in row]
            found.append(" ".join(words))
        return found

    @property
    def rows(self) -> list[list[bytes]]:
        """What was typed while it ran, cut behind each key that is no text."""
        rows: list[list[bytes]] = [[]]
        for piece in self.typed:
            row = rows[-1]
            if piece not in KEYS and row and row[-1] not in KEYS:
                row[-1] += piece
            else:
                row.append(piece)
            if piece in KEYS and piece != b"\x7f":
                rows.append([])
        return [row for row in rows if row]

    @property
    def is_unseen(self) -> bool:
        """Whether not all that was typed, to bash or a program in it, has been echoed."""
        seen = self.collector.result.output
        texts = [each for row in self.rows for each in row if each not in KEYS]
        echoed = all(each.decode("utf-8", "replace") in seen for each in texts)
        return not self.is_shown or self.is_secret or not echoed


def size_of(terminal: Terminal) -> Size:
    """Return the columns and rows that we have given to a terminal."""
    return terminal.columns, terminal.rows


def quoted(text: str) -> str:
    """Return text as a word of a ``key>`` line."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


class Eavesdropper:
    """Watches the terminal of one container, also from one ``enter`` to the next.

    ``ended`` is called with each line that has ended, in order.
    """

    def __init__(self, container: Container, ended: Callable[[Line], None]) -> None:
        self.container = container
        self.line: Line | None = None
        self._ended = ended
        self._ready = False
        self._parts: list[str] = []
        self._waiting: Line | None = None
        self._typed_since = b""

    def heard(self, keys: bytes) -> None:
        """Hear of keys before they are passed on."""
        line = self.line
        if line is None or not line.collector.running:
            self._typed_since += keys
            return
        mode = self.container.terminal.modes()[LOCAL_MODES]
        echoed = isinstance(mode, int) and bool(mode & ECHO)
        for piece in PIECE.findall(keys):
            if piece == b"\x03":
                line.typed.append(piece)
            elif not echoed or (piece not in KEYS and piece[0] < 0x20):
                line.is_secret = True
                line.typed.clear()
            elif not line.is_secret:
                line.typed.append(piece)

    def __call__(self, piece: bytes | Mark) -> None:
        """Hear of output or a mark."""
        if isinstance(piece, Mark) and piece.kind == "e":
            self._told()
        elif self.line is not None:
            self._follow(self.line, piece)

    def _told(self) -> None:
        if self.line is not None and self.line.collector.running:
            if self._is_alive(self.line):
                return  # A program in bash that reads with readline: read -e.
            self.end()
        terminal = self.container.terminal
        raw = terminal.line.replace(b"\r\n", b"\n")
        self.settle(raw)
        self._parts.append(raw.decode("utf-8", "surrogateescape"))
        self.line = Line("\n".join(self._parts), self.container.pid, size_of(terminal))
        self.line.collector.entered = True
        self._ready = False

    def _follow(self, line: Line, piece: bytes | Mark) -> None:
        if isinstance(piece, bytes):
            if not line.collector.running:
                shown = lines(piece.decode("utf-8", "replace"))
                line.is_shown |= self._ready and any(each.strip() for each in shown)
            if self._ready or line.collector.running:
                line.collector(piece)
            return
        if not self._ready and piece.kind in "ABPS" and not line.collector.running:
            # Behind what it has told, bash draws its prompt and the line again.
            self._ready = piece.kind in "BS"
            return
        if piece.kind == "S":
            return  # Bash asks for more of it: another line will be told.
        line.collector(piece)
        if piece.kind in "DPA" and not line.collector.running:
            self.end()

    def end(self) -> None:
        """The line has ended, or the bash has."""
        line, self.line = self.line, None
        self._parts = []
        self._typed_since = b""
        if line is None or not line.text.strip():
            return
        line.seconds = time.monotonic() - line.began
        # What comes behind it then is not of this bash, but of the one below.
        line.is_last = not self._is_alive(line)
        if line.typed and line.typed[-1] in b"\r\n":
            # Bash may be the one that reads it: what it tells next says so.
            self._waiting = line
        else:
            self._ended(line)

    def settle(self, told: bytes | None = None) -> None:
        """Tell of a line that waits to be known as a whole; ``told`` is the one after it."""
        line, self._waiting = self._waiting, None
        if line is None:
            return
        rows = line.rows
        ahead = [at for at, row in enumerate(rows) if b"".join(row[:-1]) == told]
        if told is not None and ahead and told not in self._typed_since:
            # It was typed ahead for bash, and stands in the output of what ran then.
            line.is_muddled = True
            line.typed = [piece for row in rows[: ahead[-1]] for piece in row]
        self._ended(line)

    def _is_alive(self, line: Line) -> bool:
        return line.pid == self.container.pid and self.container.live.alive

    def forget(self) -> None:
        """Hear no more of a line that has ended while nobody was there."""
        self.line = None
        self._parts = []

    @property
    def is_running(self) -> bool:
        """Whether what was typed still runs."""
        return self.line is not None and self.line.collector.running
