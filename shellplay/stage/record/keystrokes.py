"""Record the lines typed into an entered bash, with the output and status of each.

Bash reports each accepted line in an escape sequence, and prints OSC 133 marks around the
output of the line; its rc file makes it do so.  Keys that a program reads are recorded only
if the terminal echoes them.
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

# Control keys that a step may press; all other control keys are not recorded.
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


class Written(Enum):
    """The step that was written for a line before the line has ended."""

    NOTHING = auto()
    KEYS = auto()
    SKIPPED = auto()


@dataclass
class Line:
    """One line that bash has accepted, its output, and the keys typed while it ran.

    - ``pid``: the PID of the bash; ``since``: the last PID that the kernel assigned before.
    - ``size``: the size of the terminal when Enter was pressed.
    - ``began``, ``seconds``: the start on the monotonic clock, and the duration.
    - ``is_shown``: bash has echoed the line.
    - ``is_last``: bash has ended with this line.
    - ``has_typeahead``: its output contains keys that were typed for the next line.
    - ``is_secret``: keys were typed without echo.
    - ``typed``: the keys typed while it ran, in pieces.
    """

    text: str
    pid: int
    size: Size
    began: float = field(default_factory=time.monotonic)
    collector: Collector = field(default_factory=lambda: Collector(None))
    written: Written = Written.NOTHING
    since: int = field(default_factory=last_pid)
    seconds: float = 0.0
    is_shown: bool = False
    is_last: bool = False
    has_typeahead: bool = False
    is_secret: bool = False
    typed: list[bytes] = field(default_factory=list)

    @property
    def keys(self) -> list[str]:
        """The keys typed while the line ran, as the texts of ``key>`` steps."""
        found: list[str] = []
        for row in self.rows:
            words = [KEYS.get(each) or quote(each.decode("utf-8", "replace")) for each in row]
            found.append(" ".join(words))
        return found

    @property
    def rows(self) -> list[list[bytes]]:
        """The keys typed while the line ran, cut after each control key except Backspace."""
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
        """Whether some keys, typed for bash or for a program, were not echoed."""
        output = self.collector.result.output
        texts = [each for row in self.rows for each in row if each not in KEYS]
        echoed = all(each.decode("utf-8", "replace") in output for each in texts)
        return not self.is_shown or self.is_secret or not echoed


def size_of(terminal: Terminal) -> Size:
    """Return the columns and rows of a terminal."""
    return terminal.columns, terminal.rows


def quote(text: str) -> str:
    """Return text in quotes, as a word of a ``key>`` step."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


class KeystrokeRecorder:
    """Records the lines of the live bash of one container; it is kept between two ``enter``.

    It gets all keys by `record_keys`, and all output and marks by calls.  ``on_line`` is
    called with each line that has ended, in order.  ``line`` is the line that runs, or None.
    """

    def __init__(self, container: Container, on_line: Callable[[Line], None]) -> None:
        self.container = container
        self.line: Line | None = None
        self._on_line = on_line
        # Whether bash has printed its prompt again after it has reported a line.
        self._ready = False
        self._parts: list[str] = []
        self._waiting: Line | None = None
        self._keys_since_line = b""

    def record_keys(self, keys: bytes) -> None:
        """Record typed keys; call this before they are written to the terminal."""
        line = self.line
        if line is None or not line.collector.running:
            self._keys_since_line += keys
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
        """Record a piece of output or a mark of the terminal."""
        if isinstance(piece, Mark) and piece.kind == "e":
            self._begin_line()
        elif self.line is not None:
            self._add_piece(self.line, piece)

    def _begin_line(self) -> None:
        """Begin the line that bash has just reported."""
        if self.line is not None and self.line.collector.running:
            if self._is_alive(self.line):
                return  # `read -e` in a running command uses readline, too.
            self.end_line()
        terminal = self.container.terminal
        reported = terminal.line.replace(b"\r\n", b"\n")
        self.settle(reported)
        self._parts.append(reported.decode("utf-8", "surrogateescape"))
        self.line = Line("\n".join(self._parts), self.container.pid, size_of(terminal))
        self.line.collector.entered = True
        self._ready = False

    def _add_piece(self, line: Line, piece: bytes | Mark) -> None:
        if isinstance(piece, bytes):
            if not line.collector.running:
                visible_lines = lines(piece.decode("utf-8", "replace"))
                line.is_shown |= self._ready and any(each.strip() for each in visible_lines)
            if self._ready or line.collector.running:
                line.collector(piece)
            return
        if not self._ready and piece.kind in "ABPS" and not line.collector.running:
            # After it has reported a line, bash draws its prompt and the line again.
            self._ready = piece.kind in "BS"
            return
        if piece.kind == "S":
            return  # Bash shows PS2: the line goes on, and bash will report another part.
        line.collector(piece)
        if piece.kind in "DPA" and not line.collector.running:
            self.end_line()

    def end_line(self) -> None:
        """End the running line: it has ended, or its bash has."""
        line, self.line = self.line, None
        self._parts = []
        self._keys_since_line = b""
        if line is None or not line.text.strip():
            return
        line.seconds = time.monotonic() - line.began
        # If bash has ended, the output that follows is that of the bash parked below it.
        line.is_last = not self._is_alive(line)
        if line.typed and line.typed[-1] in b"\r\n":
            # The last typed text may be for bash, not for the program. The next line that
            # bash reports shows it, so wait for that line.
            self._waiting = line
        else:
            self._on_line(line)

    def settle(self, next_line: bytes | None = None) -> None:
        """Report the waiting line; ``next_line`` is the line that bash has read after it.

        If ``next_line`` was typed while the waiting line ran, its keys are removed there.
        """
        line, self._waiting = self._waiting, None
        if line is None:
            return
        rows = line.rows
        typed_ahead = [at for at, row in enumerate(rows) if b"".join(row[:-1]) == next_line]
        if next_line is not None and typed_ahead and next_line not in self._keys_since_line:
            # The terminal has echoed the next line into the output of this one.
            line.has_typeahead = True
            line.typed = [piece for row in rows[: typed_ahead[-1]] for piece in row]
        self._on_line(line)

    def _is_alive(self, line: Line) -> bool:
        return line.pid == self.container.pid and self.container.live.alive

    def forget(self) -> None:
        """Drop the running line: it has ended while the bash was not entered."""
        self.line = None
        self._parts = []

    @property
    def is_running(self) -> bool:
        """Whether the last line still runs."""
        return self.line is not None and self.line.collector.running
