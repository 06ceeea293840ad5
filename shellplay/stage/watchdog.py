"""Interrupts a step that takes too long, as a ^C of a person would."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

AGAIN_SECONDS = 1.0
MOMENT_SECONDS = 0.001

Value = TypeVar("Value")


class Watchdog:
    """Lets something be done, with a KeyboardInterrupt after ``seconds``, then every second.

    Work that must not be left half-done defers it, what waits for a bash hands it on as ^C.
    ``fired`` tells afterwards whether it came.  Only for the main thread.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._sent = self._heard = 0
        self._over = threading.Event()
        self._main = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    @property
    def fired(self) -> bool:
        """Whether the time was up."""
        return self._sent > 0

    @property
    def interrupted(self) -> bool:
        """Whether somebody else has interrupted it."""
        return self._heard > self._sent

    def run(self, action: Callable[[], Value]) -> Value | None:
        """Return what ``action`` returns, or None if our interrupt has ended it.

        Raises KeyboardInterrupt if somebody else interrupts it.
        """
        before = signal.signal(signal.SIGINT, self._interrupt)
        self._thread.start()
        try:
            result = action()
            # An interrupt can come up to here, and only inside of this block.
            self._over.set()
        except KeyboardInterrupt:
            if not self.fired:
                raise
            return None
        else:
            return result
        finally:
            self._over.set()
            self._thread.join()
            # What was sent must be heard by our handler, not by the one before it.
            while self._heard < self._sent:
                time.sleep(MOMENT_SECONDS)
            signal.signal(signal.SIGINT, before)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._heard += 1
        if not self._over.is_set():
            raise KeyboardInterrupt

    def _watch(self) -> None:
        patience = self._seconds
        while not self._over.wait(patience):
            patience = AGAIN_SECONDS
            # One at a time: signals that wait are not counted by the kernel.
            if self._heard >= self._sent:
                self._sent += 1
                signal.pthread_kill(self._main, signal.SIGINT)
