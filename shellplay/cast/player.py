"""Play a cast to a terminal, as fast as it happened or as fast as one likes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable

from shellplay.cast.events import Event
from shellplay.cast.harmless import Harmless
from shellplay.cast.terminal import Terminal

_MODE = re.compile(r"\x1b\[\?([0-9;]{1,64})([hl])")
# Modes that a terminal has when nobody asks: line wrap and the cursor.
_USUAL = {"7", "25"}


def play(
    events: Iterable[Event],
    write: Callable[[str], object],
    *,
    columns: int = 80,
    speed: float = 1.0,
    idle_limit: float | None = None,
    wait: Callable[[float], bool] | None = None,
) -> bool:
    """Write the events at their times, and return true if they were played to the end.

    ``idle_limit`` is the longest pause in seconds before ``speed`` divides it.  ``wait`` is
    called with the seconds to the next event and returns true to stop at once; without one
    only an exception stops it.  The terminal gets its modes back however it ends.
    """
    terminal, harmless, modes = Terminal(columns), Harmless(), Modes()
    pause = wait or _sleep
    start = time.monotonic()
    shown = last = 0.0
    try:
        for event in events:
            gap = max(event.time - last, 0.0)
            last = max(event.time, last)
            shown += gap if idle_limit is None else min(gap, idle_limit)
            # Against the clock and not against the event before: lateness does not add up.
            ahead = start + shown / speed - time.monotonic()
            if ahead > 0 and pause(ahead):
                return False
            if text := harmless.feed(terminal.characters(event)):
                modes.feed(text)
                write(text)
        return True
    finally:
        write(terminal.rest() + modes.usual())


class Modes:
    """Remembers what a stream did to the modes of a terminal, DECSET and DECRST."""

    def __init__(self) -> None:
        self._unusual: set[str] = set()

    def feed(self, text: str) -> None:
        """Take in what was written; ``text`` has whole sequences."""
        for numbers, final in _MODE.findall(text):
            for number in numbers.split(";"):
                if (final == "h") == (number in _USUAL):
                    self._unusual.discard(number)
                else:
                    self._unusual.add(number)

    def usual(self) -> str:
        """Return what sets the colours and every changed mode to what is usual."""
        back = (f"\x1b[?{mode}{'h' if mode in _USUAL else 'l'}" for mode in self._unusual)
        return "\x1b[0m" + "".join(sorted(back))


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False
