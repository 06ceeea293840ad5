"""A performance shown to a person, who may have it wait, go on, jump, or take it over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from shellplay.cast.events import Ended, Event, Heading, Output, Pause, Prompt, Typed
from shellplay.cmdline.printer import Printer
from shellplay.errors import ShellplayError
from shellplay.stage.show.keyboard import Keyboard
from shellplay.stage.show.styling import Look
from shellplay.views.sanitize import safe_line

CANCEL = "\x1b"
LONGEST_NUMBER = 4
FASTER, SLOWEST, QUICKEST = 1.5, 0.1, 50.0
WAITING = "(Space goes on)"
HINT = "Space goes on, t takes over the bash, n the next heading, q quits, ? all keys"
KEYS = (
    ("Space, Enter", "go on at once"),
    ("t", "take over the live bash; Ctrl-] gives it back"),
    ("n, p", "the next heading, the previous one"),
    ("h", "choose a heading"),
    ("s", "wait for a key before each step, or no longer"),
    ("+, -", "faster, slower"),
    ("q", "quit"),
)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a performance is shown: how fast, step by step, with or without typing."""

    speed: float = 1.0
    by_step: bool = False
    typing: bool = True


class Quit(Exception):
    """Whoever watches wants no more."""


class StartOver(Exception):
    """What was done cannot be undone: it is to begin again, quickly up to a heading.

    ``manner`` is how it was shown last.
    """

    def __init__(self, heading: int, manner: Manner) -> None:
        super().__init__(heading)
        self.heading = heading
        self.manner = manner


class Show:
    """A sink of paced events that writes them at their times, as a context manager.

    Without a ``keyboard`` there are no pauses.  Everything before heading ``until`` (they
    are counted from 1) is shown quickly.  ``headings`` are their titles; ``take_over`` is
    called to hand the terminal over, and says what there is to say of it.
    """

    def __init__(
        self,
        printer: Printer,
        keyboard: Keyboard | None,
        manner: Manner,
        *,
        headings: Sequence[str] = (),
        until: int = 0,
        forward_only: bool = False,
    ) -> None:
        self.take_over: Callable[[], str] = lambda: "there is no live bash yet"
        self._printer = printer
        self._keyboard = keyboard
        self._manner = manner
        self._headings = headings
        self._until = until
        self._forward_only = forward_only
        self._look = Look(printer.width, color=printer.color)
        self._reached = 0
        self._last = 0.0
        self._line = ""
        self._at_once = self._in_haste = False

    def __enter__(self) -> Self:
        if self._keyboard:
            self._say(HINT)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, BrokenPipeError):
            self._write(("\n" if self._line else "") + self._look.rest())

    def __call__(self, event: Event) -> None:
        """Show one event; raises Quit and StartOver."""
        gap, self._last = event.time - self._last, event.time
        self._rest_before(event, gap / self._manner.speed)
        if isinstance(event, Heading):
            self._reached += 1
        self._write(self._look.text(event))
        self._follow(event)
        wanted = isinstance(event, Pause) and event.seconds is None
        if wanted or (isinstance(event, Prompt) and self._manner.by_step):
            self._await_go()

    # -- time ----------------------------------------------------------------------------

    @property
    def _is_quick(self) -> bool:
        return self._keyboard is None or self._reached < self._until

    def _rest_before(self, event: Event, seconds: float) -> None:
        at_once, self._at_once = self._at_once or self._in_haste, False
        if self._is_quick or isinstance(event, Ended):
            return
        if isinstance(event, Output):
            # A step is being performed: keys, which may hand over its bash, come after it.
            time.sleep(0.0 if at_once else seconds)
        elif not at_once and self._wait(seconds):
            self._in_haste = isinstance(event, Typed)

    def _follow(self, event: Event) -> None:
        """Know where in a line the cursor is."""
        if isinstance(event, Prompt | Typed) and not event.text.endswith("\n"):
            self._line += event.text
            if isinstance(event, Typed):
                self._in_haste = self._in_haste or not self._manner.typing
        else:
            self._line, self._in_haste = "", False

    def _wait(self, seconds: float) -> bool:
        """Let so much time pass, and obey; return true if it is to go on at once."""
        assert self._keyboard
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            key = self._keyboard.key(left)
            if key and self._obeyed(key):
                return True
        return False

    def _await_go(self) -> None:
        if not self._keyboard or self._is_quick:
            return
        # At a prompt it stands there anyway; in a pause it would look as if it hung.
        hint = "" if self._line else self._dim(WAITING)
        self._line += hint
        self._write(hint)
        while not self._obeyed(self._keyboard.key() or ""):
            continue
        self._at_once = True
        if hint:
            back = "\b" * len(WAITING)
            self._write(f"{back}{' ' * len(WAITING)}{back}")
            self._line = ""

    # -- keys ----------------------------------------------------------------------------

    def _obeyed(self, key: str) -> bool:
        """Do what a key is for; return true if it is to go on at once."""
        match key:
            case " " | "\r" | "\n":
                return True
            case "n" | "\x1b[C" | "\x1b[6~":
                return self._jump(self._reached + 1)
            case "p" | "\x1b[D" | "\x1b[5~":
                return self._jump(max(self._reached - 1, 1))
            case "h":
                return self._choose()
            case "+" | "-":
                factor = FASTER if key == "+" else 1 / FASTER
                speed = min(max(self._manner.speed * factor, SLOWEST), QUICKEST)
                self._manner = replace(self._manner, speed=speed)
            case "s":
                by_step = not self._manner.by_step
                self._manner = replace(self._manner, by_step=by_step)
                self._say("step by step: Space goes on" if by_step else "by itself")
            case "t":
                self._hand_over()
            case "?":
                self._say(*(f"{names:<13} {what}" for names, what in KEYS))
            case "q":
                raise Quit
        return False

    def _jump(self, heading: int) -> bool:
        if heading > self._reached:
            self._until = heading
            return True
        if self._forward_only:
            self._say("a cast is being written, so it only goes forward")
            return False
        raise StartOver(heading, self._manner)

    def _choose(self) -> bool:
        assert self._keyboard
        self._say(*(f"{number} {title}" for number, title in enumerate(self._headings, 1)))
        self._write(self._dim("number, Enter: "))
        number = ""
        while (key := self._keyboard.key() or "") not in ("\r", "\n", CANCEL):
            if key.isascii() and key.isdigit() and len(number) < LONGEST_NUMBER:
                number += key
                self._write(key)
        self._write(f"\n{self._line}")
        if key == CANCEL or not number or not 0 < int(number) <= len(self._headings):
            return False
        return self._jump(int(number))

    def _hand_over(self) -> None:
        try:
            said = self.take_over()
        except ShellplayError as error:
            said = str(error)
        self._say(said)

    # -- what is written -----------------------------------------------------------------

    def _say(self, *sentences: str) -> None:
        """Write dim lines beside the performance, and again what they interrupted."""
        lines = "".join(f"{self._dim(safe_line(sentence))}\n" for sentence in sentences)
        self._write(("\n" if self._line else "") + lines + self._line)

    def _dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._printer.color else text

    def _write(self, text: str) -> None:
        if text:
            self._printer.out.write(text)
            self._printer.out.flush()
