"""Presses keys in a live bash when who is to read them can, as a person would who looks.

Bash's line editor has the terminal in modes of its own: an Enter that is typed before it
has handed the terminal over is no end of a line for what it runs.  So nothing is typed
before bash has taken the line above, and what it runs has come to wait for something.
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
# Who prints without an end is not waited for.
LONGEST_SECONDS = 0.5
# How long somebody may be at work without an end, or bash have another use for Enter.
TURN_SECONDS = 2.0
INTERRUPT = b"\x03"
# What ends a line for bash's editor, as it is bound at first.
ENDING = (b"\r", b"\n", b"\x0f")
PROMPTS = (ShellState.IDLE, ShellState.CONTINUATION)


class Typist:
    """Types into one container; ``show`` is told what its terminal shows meanwhile."""

    def __init__(self, container: Container, show: Callable[[str], None]) -> None:
        self._container = container
        self._show = show
        self._came: queue.SimpleQueue[bytes | Mark] = queue.SimpleQueue()
        self._marks = 0

    def type(self, words: list[bytes], enough: Callable[[], bool] | None) -> None:
        """Type one word after the other, until what came is ``enough``.

        Without that, until nothing has come for a moment.
        """
        with self._container.terminal.watched(self._came.put):
            for word in words:
                self._await_turn(word)
                self._type(word)
            if enough is None:
                self._listen(QUIET_SECONDS)
            while enough and not enough():
                self._listen(LOOK_SECONDS)

    def _type(self, word: bytes) -> None:
        is_line = self._container.state in PROMPTS and word in ENDING
        before = self._marks
        self._container.type(word)
        self._listen(KEY_SECONDS)
        if is_line:
            # Bash tells, by one mark or another, what has become of the line.
            self._until(lambda: self._marks > before)

    def _await_turn(self, word: bytes) -> None:
        """Wait until whoever is in front waits, too."""
        container = self._container
        if container.state is not ShellState.BUSY:
            return
        if word == INTERRUPT:
            # Bash takes no notice of a ^C before what it has started is in front.
            self._until(lambda: container.terminal.foreground_group() != container.pid)
        self._until(self._front_sleeps)

    def _front_sleeps(self) -> bool:
        group, bash = self._container.terminal.foreground_group(), self._container.pid
        stats = [procfs.stat(pid) for pid in (bash, *descendants(bash))]
        front = [each for each in stats if each and each.group == group]
        return all(each.state not in "RD" for each in front)

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + TURN_SECONDS
        while not condition() and self._container.state is not ShellState.DEAD:
            if time.monotonic() > deadline:
                return
            self._listen(LOOK_SECONDS)

    def _listen(self, seconds: float) -> None:
        """Show what comes, until nothing has come for so long."""
        deadline = time.monotonic() + LONGEST_SECONDS
        with suppress(queue.Empty):
            while time.monotonic() < deadline:
                piece = self._came.get(timeout=seconds)
                if isinstance(piece, Mark):
                    self._marks += 1
                else:
                    self._show(piece.decode("utf-8", "backslashreplace"))
