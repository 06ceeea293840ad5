"""The screen as a person sees it: pyte is the terminal of the real program."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pexpect
import pyte

from tests.terminal import TIMEOUT_SECONDS

# Without SHELLPLAY_MARKS the program shows menus and suggestions, as for a person.
AS_FOR_A_PERSON = {"SHELLPLAY_MARKS": "1", "PROMPT_TOOLKIT_NO_CPR": "0"}


class OnTerminal(Protocol):
    """A program that pexpect has started on a terminal."""

    shell: pexpect.spawn


class _Answering(pyte.Screen):
    """A screen that passes its replies, such as cursor positions, to ``answer``."""

    answer: Callable[[str], object]

    def write_process_input(self, data: str) -> None:
        """Send a reply of the terminal to the program."""
        self.answer(data)


class Screen:
    """The screen of a terminal; it answers the program's questions, as a terminal does.

    It takes the place of the terminal's log, and so sees all that the program writes.
    """

    def __init__(self, terminal: OnTerminal, columns: int, lines: int) -> None:
        self._terminal = terminal
        self._log = terminal.shell.logfile_read
        self._screen = _Answering(columns, lines)
        self._screen.answer = terminal.shell.send
        self._stream = pyte.Stream(self._screen)
        self._log.flush()
        # Without newline translation: a terminal distinguishes line feed and carriage return.
        with Path(self._log.name).open(newline="") as log:
            self._stream.feed(log.read())
        terminal.shell.logfile_read = self

    @property
    def rows(self) -> list[str]:
        """The rows from the top, without trailing blanks."""
        return [row.rstrip() for row in self._screen.display]

    @property
    def text(self) -> str:
        """The rows as one text."""
        return "\n".join(self.rows)

    @property
    def log(self) -> str:
        """All that the program has written so far."""
        self._log.flush()
        return Path(self._log.name).read_text()

    @property
    def cursor_row(self) -> str:
        """The number of the row with the cursor."""
        return self.rows[self._screen.cursor.y]

    def color_of(self, word: str) -> str:
        """Return the foreground colour of the first ``word`` on the screen."""
        for y, row in enumerate(self._screen.display):
            if (x := row.find(word)) >= 0:
                return str(self._screen.buffer[y][x].fg)
        raise AssertionError(f"{word!r} is not on the screen:\n{self.text}")

    def scrolls_whole(self) -> bool:
        """Return whether no margins keep a row out of what scrolls."""
        margins = self._screen.margins
        return margins is None or margins == (0, self._screen.lines - 1)

    def resize(self, columns: int, lines: int) -> None:
        """Resize the window."""
        self._screen.resize(lines, columns)
        self._terminal.shell.setwinsize(lines, columns)

    def wait(self, condition: Callable[[Screen], object], what: str) -> None:
        """Read the output of the program until ``condition(self)`` is true."""
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
        """Draw the output of the program on the screen."""
        self._log.write(text)
        self._stream.feed(text)

    def flush(self) -> None:
        """Flush the log."""
        self._log.flush()

    def close(self) -> None:
        """Close the log."""
        self._log.close()
