"""The real program in a pseudo terminal, driven by its prompt marks and never by time."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pexpect
from pytest_pexpect import Pexpect

ROOT = Path(__file__).parent.parent
WORD = "tested"
PATIENCE = 30
# What keeps an environment from changing what a program writes.
REMOVED = ("COLUMNS", "LINES", "PS1", "PROMPT_COMMAND", "PYTHONWARNINGS", "SHELLPLAY_PROMPT")


@dataclass(frozen=True, slots=True)
class MarkPatterns:
    """Regular expressions for the marks of a front end; ``done`` has the status as group 1."""

    ready: str
    output: str
    done: str


ESCAPES = MarkPatterns(
    ready=rf"\x1b\]133;B;k={WORD}\x07",
    output=rf"\x1b\]133;C;k={WORD}\x07",
    done=rf"\x1b\]133;D;(\d+);k={WORD}\x07",
)
# What a terminal of a person gets: there all menus and suggestions are on.
WORDLESS = MarkPatterns(
    ready=r"\x1b\]133;B\x07",
    output=r"\x1b\]133;C\x07",
    done=r"\x1b\]133;D;(\d+)\x07",
)
LINES = MarkPatterns(
    ready=rf"\x1eB {WORD} \d+\r\n",
    output=rf"\x1eC {WORD} \d+\r\n",
    done=rf"\x1eD {WORD} \d+ (\d+)\r\n",
)


class Terminal:
    """A shellplay that somebody sits in front of.

    ``shell`` is the pexpect spawn.  Between ``ready`` and the next line nothing is sent:
    there the terminal is cooked, and control keys would be lost.
    """

    def __init__(self, driver: Pexpect, marks: MarkPatterns) -> None:
        self.driver = driver
        self.shell: pexpect.spawn = driver.shell
        self.marks = marks

    @property
    def pid(self) -> int:
        """The PID of the program, which is the role ``repl``."""
        return int(self.shell.pid)

    def ready(self) -> None:
        """Wait until the next prompt reads keys."""
        self.expect(self.marks.ready)

    def run(self, line: str) -> tuple[int, str]:
        """Type ``line`` at the prompt that is ready; return its status and its output.

        The next prompt is ready when this returns.
        """
        self.send(f"{line}\r")
        self.expect(self.marks.output)
        self.expect(self.marks.done)
        status, output = int(self.shell.match[1]), self.shell.before
        self.ready()
        return status, plain(output)

    def send(self, keys: str) -> None:
        """Press keys; Enter is a carriage return."""
        self.driver.send(keys)

    def control(self, letter: str) -> None:
        """Press Ctrl and a key: ``]`` leaves a bash."""
        self.driver.sendcontrol(letter)

    def expect(self, pattern: str, *, timeout: float = PATIENCE) -> str:
        """Wait for a regular expression and return the text before it.

        Raises AssertionError at a traceback, or when the program has ended.
        """
        seen = [pattern, "Traceback", pexpect.EOF]
        found = self.driver.expect(seen, timeout=timeout)
        text = str(self.shell.before)
        assert found == 0, f"{seen[found]} while waiting for {pattern!r} after:\n{text}"
        return text

    def ended(self) -> int:
        """Wait for the end of the program and return its exit status (128+n for a signal)."""
        self.driver.expect(pexpect.EOF)
        self.shell.wait()
        if self.shell.signalstatus is not None:
            return 128 + int(self.shell.signalstatus)
        return int(self.shell.exitstatus)

    def close(self) -> None:
        """End the program, as the closing of a terminal window does."""
        self.driver.close()


def plain(text: str) -> str:
    """Remove escape sequences and carriage returns from what a terminal was sent."""
    return re.sub(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[=>])|\r", "", text)


def start_terminal(
    driver: Pexpect,
    *arguments: str,
    term: str = "xterm-256color",
    columns: int = 100,
    lines: int = 30,
    environment: dict[str, str] | None = None,
    log: Path,
) -> Terminal:
    """Start ``python -m shellplay --no-config ARGUMENTS`` and wait for its first prompt.

    ``log`` gets everything that the terminal was sent.
    """
    clean = {name: value for name, value in os.environ.items() if name not in REMOVED}
    clean |= {
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "PAGER": "cat",
        "PROMPT_TOOLKIT_BELL": "0",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "SHELLPLAY_MARKS": WORD,
        "TERM": term,
        **(environment or {}),
    }
    driver.set_name("terminal")
    driver.shell = pexpect.spawn(
        sys.executable,
        ["-m", "shellplay", "--no-config", *arguments],
        env=clean,
        encoding="utf-8",
        codec_errors="replace",
        dimensions=(lines, columns),
        timeout=PATIENCE,
    )
    driver.shell.delaybeforesend = None
    driver.shell.logfile_read = log.open("w")
    is_plain = "--plain" in arguments or term in ("", "dumb", "unknown")
    with_word = LINES if is_plain else ESCAPES
    terminal = Terminal(driver, with_word if clean["SHELLPLAY_MARKS"] == WORD else WORDLESS)
    try:
        terminal.ready()
    except BaseException:
        terminal.close()
        driver.shell.logfile_read.close()
        raise
    return terminal
