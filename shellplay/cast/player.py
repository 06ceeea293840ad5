"""Play a cast to a terminal, at its own speed or at another."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable

from shellplay.cast.events import Event
from shellplay.cast.terminal import Terminal
from shellplay.views.control_sequences import ControlSequenceFilter

_MODE = re.compile(r"\x1b\[\?([0-9;]{1,64})([hl])")
# The DEC private modes that are set by default: line wrap and cursor.
_SET_BY_DEFAULT = {"7", "25"}


def play(
    events: Iterable[Event],
    write: Callable[[str], object],
    *,
    columns: int = 80,
    speed: float = 1.0,
    idle_limit: float | None = None,
    wait: Callable[[float], bool] | None = None,
) -> bool:
    """Write each event at its time, and return whether the cast was played to its end.

    ``idle_limit`` is the longest pause in seconds, before it is divided by ``speed``; None:
    no limit.  ``wait`` gets the seconds to the next event and returns true to stop; None:
    only an exception stops the player.  In each case the terminal gets its modes back.
    """
    terminal, drawing, modes = Terminal(columns), ControlSequenceFilter(), Modes()
    pause = wait or _sleep
    start = time.monotonic()
    due = last = 0.0
    try:
        for event in events:
            gap = max(event.time - last, 0.0)
            last = max(event.time, last)
            due += gap if idle_limit is None else min(gap, idle_limit)
            # Compare with the clock, not with the event before: so delays do not add up.
            ahead = start + due / speed - time.monotonic()
            if ahead > 0 and pause(ahead):
                return False
            if text := drawing.feed(terminal.characters(event)):
                modes.feed(text)
                write(text)
        return True
    finally:
        write(terminal.finish() + modes.reset_sequence())


class Modes:
    """Records which DEC private modes a stream has changed, by DECSET and DECRST.

    See *DEC Private Mode Set* in ctlseqs of xterm.
    """

    def __init__(self) -> None:
        self._changed: set[str] = set()

    def feed(self, text: str) -> None:
        """Record the changes of a written text, in which no sequence is cut in two."""
        for numbers, final in _MODE.findall(text):
            for number in numbers.split(";"):
                if (final == "h") == (number in _SET_BY_DEFAULT):
                    self._changed.discard(number)
                else:
                    self._changed.add(number)

    def reset_sequence(self) -> str:
        """Return the sequences that set the colours and all changed modes to their defaults."""
        resets = (
            f"\x1b[?{mode}{'h' if mode in _SET_BY_DEFAULT else 'l'}" for mode in self._changed
        )
        return "\x1b[0m" + "".join(sorted(resets))


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False
