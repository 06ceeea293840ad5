"""Interrupts a step that takes too long, as a ^C of a person would, and ends it if it must."""

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
# Work that defers an interrupt, or goes on after it, has so long to come to its end.
GRACE_SECONDS = 5.0
# Not SIGALRM, which belongs to whoever runs us.
ALARM = signal.SIGRTMIN

Value = TypeVar("Value")


class Watchdog:
    """Lets something be done, with a KeyboardInterrupt after ``seconds``, then every second.

    Work that must not be left half-done defers it, what waits for a bash hands it on as ^C.
    What has not ended five seconds later is ended by ``last_resort``, which is called from
    another thread: it has to end whatever can be waited for.  ``fired`` tells afterwards
    whether the time was up, ``interrupted`` whether somebody else has interrupted it.  Only
    for the main thread.
    """

    def __init__(self, seconds: float, last_resort: Callable[[], None]) -> None:
        self._seconds = seconds
        self._last_resort = last_resort
        self.fired = False
        self._sent = self._heard = 0
        self._over = threading.Event()
        self._main = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    @property
    def interrupted(self) -> bool:
        """Whether somebody else has interrupted it."""
        return self._heard > self._sent

    def run(self, action: Callable[[], Value]) -> Value | None:
        """Return what ``action`` returns, or None if our interrupt has ended it.

        Raises KeyboardInterrupt if somebody else interrupts it.
        """
        before = signal.signal(signal.SIGINT, self._interrupt)
        signal.signal(ALARM, self._ring)
        try:
            self._thread.start()
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
            if self._thread.ident is not None:
                self._thread.join()
            # What was sent must be heard by our handler, not by the one before it.
            while self._heard < self._sent:
                time.sleep(MOMENT_SECONDS)
            signal.signal(signal.SIGINT, before)
            # One that is still on its way must not end us, as it does by default.
            signal.signal(ALARM, lambda *_: None)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._heard += 1
        if not self._over.is_set():
            raise KeyboardInterrupt

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        # One at a time: the next would not be counted where this one is deferred.
        if self._heard >= self._sent and not self._over.is_set():
            self._sent += 1
            signal.raise_signal(signal.SIGINT)

    def _watch(self) -> None:
        patience = self._seconds
        last = time.monotonic() + self._seconds + GRACE_SECONDS
        while not self._over.wait(patience):
            self.fired = True
            patience = AGAIN_SECONDS
            # A signal wakes nobody who is just about to wait, so another one follows.  It is
            # the handler of the alarm that interrupts: what a person sends is none of ours.
            signal.pthread_kill(self._main, ALARM)
            if time.monotonic() > last:
                last = math.inf
                self._last_resort()
