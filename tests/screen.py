"""What a person sees: pyte as the terminal that the real program draws on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pexpect
import pyte

from tests.terminal import TIMEOUT_SECONDS, Terminal

# A program that is not driven shows its menus and suggestions as it does for a person.
AS_FOR_A_PERSON = {"SHELLPLAY_MARKS": "1", "PROMPT_TOOLKIT_NO_CPR": "0"}


class _Answering(pyte.Screen):
    """A screen whose answers, as to where the cursor is, go to ``answer``."""

    answer: Callable[[str], object]

    def write_process_input(self, data: str) -> None:
        """Send what a terminal would send by itself."""
        self.answer(data)


class Screen:
    """The screen of a terminal; it answers the program's questions, as a terminal does.

    It takes the place of the terminal's log, and so sees all that the program writes.
    """

    def __init__(self, terminal: Terminal, columns: int, lines: int) -> None:
        self._terminal = terminal
        self._log = terminal.shell.logfile_read
        self._screen = _Answering(columns, lines)
        self._screen.answer = terminal.shell.send
        self._stream = pyte.Stream(self._screen)
        self._log.flush()
        # As it was written: a terminal tells a line feed from a carriage return.
        with Path(self._log.name).open(newline="") as log:
            self._stream.feed(log.read())
        terminal.shell.logfile_read = self

    @property
    def rows(self) -> list[str]:
        """The rows from the top, without the blanks at their ends."""
        return [row.rstrip() for row in self._screen.display]

    @property
    def text(self) -> str:
        """The rows as one text."""
        return "\n".join(self.rows)

    @property
    def cursor_row(self) -> str:
        """The row that the cursor is in."""
        return self.rows[self._screen.cursor.y]

    def color_of(self, word: str) -> str:
        """Return the foreground colour of the first ``word`` that is on the screen."""
        for y, row in enumerate(self._screen.display):
            if (x := row.find(word)) >= 0:
                return str(self._screen.buffer[y][x].fg)
        raise AssertionError(f"{word!r} is not on the screen:\n{self.text}")

    def resize(self, columns: int, lines: int) -> None:
        """Give the window another size."""
        self._screen.resize(lines, columns)
        self._terminal.shell.setwinsize(lines, columns)

    def wait(self, condition: Callable[[Screen], object], what: str) -> None:
        """Take what the program writes until ``condition(self)`` is true."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not condition(self):
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"waited {TIMEOUT_SECONDS} s for {what} on:\n{self.text}")
            try:
                self._terminal.shell.read_nonblocking(65536, timeout=left)
            except pexpect.TIMEOUT:
                continue

    def shows(self, *texts: str) -> None:
        """Wait until all of ``texts`` are on the screen at once."""
        self.wait(lambda screen: all(text in screen.text for text in texts), repr(texts))

    # -- in the place of the log file ----------------------------------------------------

    def write(self, text: str) -> None:
        """Draw what the program wrote."""
        self._log.write(text)
        self._stream.feed(text)

    def flush(self) -> None:
        """Write the log out."""
        self._log.flush()

    def close(self) -> None:
        """Close the log."""
        self._log.close()
