"""Interrupt a step that takes too long, as ^C does, and end it if the interrupt fails."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

AGAIN_SECONDS = 1.0
MOMENT_SECONDS = 0.001
# The time between the first interrupt and the last resort: an action may defer interrupts,
# or clean up after one.
GRACE_SECONDS = 5.0
# A real-time signal: SIGALRM may be in use by the program that imports this package.
ALARM = signal.SIGRTMIN

Value = TypeVar("Value")


class Watchdog:
    """Runs an action and raises KeyboardInterrupt in it after ``seconds``, then every second.

    Code that must be completed defers the interrupt; code that waits for a bash sends it ^C.
    If the action has not ended GRACE_SECONDS later, a second thread calls ``last_resort``.
    This function must end all processes that the action can wait for.  Afterwards,
    ``fired`` is true if the time was over.  Works in the main thread only.
    """

    def __init__(self, seconds: float, last_resort: Callable[[], None]) -> None:
        self._seconds = seconds
        self._last_resort = last_resort
        self.fired = False
        self._raised = self._received = 0
        self._finished = threading.Event()
        self._main = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    @property
    def interrupted(self) -> bool:
        """Whether a SIGINT came from outside the watchdog, as from the user's ^C."""
        return self._received > self._raised

    def run(self, action: Callable[[], Value]) -> Value | None:
        """Return the result of ``action``; None if the watchdog's interrupt has ended it.

        Raises `KeyboardInterrupt` if the user interrupts the action before its time is over.
        """
        before = signal.signal(signal.SIGINT, self._on_interrupt)
        signal.signal(ALARM, self._on_alarm)
        try:
            self._thread.start()
            result = action()
            # After this line no handler raises, so KeyboardInterrupt stays within the block.
            self._finished.set()
        except KeyboardInterrupt:
            if not self.fired:
                raise
            return None
        else:
            return result
        finally:
            self._finished.set()
            if self._thread.ident is not None:
                self._thread.join()
            # A SIGINT that was raised here must reach this handler, not the one restored
            # below.
            while self._received < self._raised:
                time.sleep(MOMENT_SECONDS)
            signal.signal(signal.SIGINT, before)
            # A pending ALARM may still arrive, and its default action ends the process. So
            # leave a handler that does nothing.
            signal.signal(ALARM, lambda *_: None)

    def _on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._received += 1
        if not self._finished.is_set():
            raise KeyboardInterrupt

    def _on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        # Raise no second SIGINT while the first is deferred: signals of one kind do not
        # queue, so the counts would differ.
        if self._received >= self._raised and not self._finished.is_set():
            self._raised += 1
            signal.raise_signal(signal.SIGINT)

    def _watch(self) -> None:
        timeout = self._seconds
        last_resort_time = time.monotonic() + self._seconds + GRACE_SECONDS
        while not self._finished.wait(timeout):
            self.fired = True
            timeout = AGAIN_SECONDS
            # A signal that arrives just before a blocking call does not interrupt it, so
            # another one follows. ALARM and not SIGINT: its handler counts the interrupts of
            # the watchdog, so those of the user can be told apart.
            signal.pthread_kill(self._main, ALARM)
            if time.monotonic() > last_resort_time:
                last_resort_time = math.inf
                self._last_resort()
