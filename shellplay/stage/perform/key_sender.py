"""Press keys in a live bash, each when its reader is ready, as a person would.

Readline sets its own terminal modes and restores the old ones before bash runs a command.
An Enter pressed before that is a carriage return for readline, but not the end of a line
for the command.  So a key waits until bash has taken the line before, and the foreground
processes sleep.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from contextlib import suppress

from shellplay.container.container import Container
from shellplay.kernel import procfs
from shellplay.kernel.process_tree import descendants
from shellplay.model import ShellState
from shellplay.shell.osc133 import Mark

KEY_SECONDS = 0.03
QUIET_SECONDS = 0.2
LOOK_SECONDS = 0.005
# A program may print without end, so listen no longer than this.
MAX_LISTEN_SECONDS = 0.5
# A program may never sleep, and bash may bind Enter to another function. So wait no longer
# than this for either.
READY_SECONDS = 2.0
INTERRUPT = b"\x03"
# The keys that end a line in readline, with its default bindings.
ACCEPT_LINE = (b"\r", b"\n", b"\x0f")
PROMPTS = (ShellState.IDLE, ShellState.CONTINUATION)


class KeySender:
    """Types into the live bash of a container; ``show`` gets the output of its terminal."""

    def __init__(self, container: Container, show: Callable[[str], None]) -> None:
        self._container = container
        self._show = show
        self._pieces: queue.SimpleQueue[bytes | Mark] = queue.SimpleQueue()
        self._marks = 0

    def type(self, words: list[bytes], enough: Callable[[], bool] | None) -> None:
        """Type one word after the other, then listen until ``enough`` returns true.

        If ``enough`` is None, listen until no output has come for a moment.
        """
        with self._container.terminal.watched(self._pieces.put):
            for word in words:
                self._await_reader(word)
                self._type(word)
            if enough is None:
                self._listen(QUIET_SECONDS)
            while enough and not enough():
                self._listen(LOOK_SECONDS)

    def _type(self, word: bytes) -> None:
        is_line = self._container.state in PROMPTS and word in ACCEPT_LINE
        before = self._marks
        self._container.type(word)
        self._listen(KEY_SECONDS)
        if is_line:
            # Bash prints an OSC 133 mark when it runs, continues or drops the line.
            self._wait_until(lambda: self._marks > before)

    def _await_reader(self, word: bytes) -> None:
        """Wait until all processes of the foreground process group sleep."""
        container = self._container
        if container.state is not ShellState.BUSY:
            return
        if word == INTERRUPT:
            # Bash ignores SIGINT while it starts a command. So wait until the command is
            # the foreground process group.
            self._wait_until(lambda: container.terminal.foreground_group() != container.pid)
        self._wait_until(self._foreground_sleeps)

    def _foreground_sleeps(self) -> bool:
        group, bash = self._container.terminal.foreground_group(), self._container.pid
        stats = [procfs.stat(pid) for pid in (bash, *descendants(bash))]
        foreground = [each for each in stats if each and each.group == group]
        return all(each.state not in "RD" for each in foreground)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not condition() and self._container.state is not ShellState.DEAD:
            if time.monotonic() > deadline:
                return
            self._listen(LOOK_SECONDS)

    def _listen(self, seconds: float) -> None:
        """Show the output until none has come for ``seconds``."""
        deadline = time.monotonic() + MAX_LISTEN_SECONDS
        with suppress(queue.Empty):
            while time.monotonic() < deadline:
                piece = self._pieces.get(timeout=seconds)
                if isinstance(piece, Mark):
                    self._marks += 1
                else:
                    self._show(piece.decode("utf-8", "backslashreplace"))
