"""A viewer of a replay: the real program in a terminal, and the modes of that terminal."""

from __future__ import annotations

import os
import re
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pexpect

from shellplay.testing import plain
from tests.repl.program import environment

PATIENCE = 30
PROGRAM = [sys.executable, "-m", "shellplay"]


class Watcher:
    """A viewer at a terminal on which a program runs."""

    def __init__(
        self,
        words: list[str],
        log: Path,
        *,
        columns: int = 100,
        lines: int = 30,
        more: Mapping[str, str] | None = None,
    ) -> None:
        variables = environment(PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
        self.shell: pexpect.spawn = pexpect.spawn(
            words[0],
            words[1:],
            env={**variables, "TERM": "xterm-256color", **(more or {})},
            encoding="utf-8",
            codec_errors="replace",
            dimensions=(lines, columns),
            timeout=PATIENCE,
        )
        self.shell.delaybeforesend = None
        self.shell.logfile_read = log.open("w")
        self.log = log
        self.usual = self.modes()

    def modes(self) -> list[Any]:
        """Return the current modes of the terminal."""
        return termios.tcgetattr(self.shell.child_fd)

    def sees(self, text: str) -> str:
        """Wait for a text; return the output before it, without escape sequences."""
        return self.matches(re.escape(text))

    def matches(self, pattern: str) -> str:
        """Wait for a regular expression; return the output before it, without escapes."""
        seen = [pattern, "Traceback", pexpect.EOF]
        found = self.shell.expect(seen)
        text = plain(str(self.shell.before))
        assert found == 0, f"{seen[found]} while waiting for {pattern!r} after:\n{text}"
        return text

    def press(self, keys: str) -> None:
        """Press keys."""
        self.shell.send(keys)

    def ended(self) -> int:
        """Wait for the end and return the exit status, 128+n for a signal."""
        self.shell.expect(pexpect.EOF)
        self.shell.wait()
        if self.shell.signalstatus is not None:
            return 128 + int(self.shell.signalstatus)
        return int(self.shell.exitstatus)

    def close(self) -> None:
        """Close the terminal's window."""
        self.shell.close(force=True)
        self.shell.logfile_read.close()
