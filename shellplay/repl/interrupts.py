"""SIGINT in a front end: it interrupts a command or a prompt, and nothing between them.

A ^C can come at any moment, also while a prompt begins or ends.  An exception that is raised
there would end the session and every container in it.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT


class Interrupts:
    """The handler of SIGINT for one front end; ``handled`` installs it.

    ``at_prompt`` is called for a SIGINT while a line is read, None if there is no prompt.
    """

    def __init__(self) -> None:
        self.at_prompt: Callable[[], None] | None = None
        self._raises = False
        self._came_early = False

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle SIGINT during the block; an ignored SIGINT stays ignored, nohup(1)."""
        before = signal.getsignal(signal.SIGINT)
        if before is signal.SIG_IGN:
            yield
            return
        signal.signal(signal.SIGINT, self._arrived)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def forget(self) -> None:
        """Forget a SIGINT that came after the end of the last command."""
        self._came_early = False

    def run(self, action: Callable[[], int]) -> int:
        """Run an action, in which SIGINT raises KeyboardInterrupt; return its exit status.

        The status is 130 if the action does not handle the interrupt, or if SIGINT came after
        the line was read and before the action began.
        """
        try:
            self._raises = True
            if self._came_early:
                raise KeyboardInterrupt
            try:
                return action()
            finally:
                self._raises = False
        except KeyboardInterrupt:
            # First of all: Python runs no handler before this, so a second SIGINT is ignored.
            self._raises = False
            return INTERRUPTED

    @contextmanager
    def at_a_prompt(self) -> Iterator[None]:
        """Read a line within an action, for the block: SIGINT raises nothing meanwhile."""
        before, self._raises = self._raises, False
        try:
            yield
        finally:
            self._raises = before

    def _arrived(self, _number: int, _frame: FrameType | None) -> None:
        if self._raises:
            raise KeyboardInterrupt
        self._came_early = True
        if self.at_prompt is not None:
            self.at_prompt()
