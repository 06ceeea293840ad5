"""Show a performance to a viewer, whose keys pause it, jump in it, or take over its bash."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from shellplay.cast.events import Ended, Event, Heading, Output, Pause, Prompt, Typed
from shellplay.cmdline.printer import Printer
from shellplay.errors import OutputLost, ShellplayError
from shellplay.stage.show.bar import Bar, bar_text
from shellplay.stage.show.fold import OutputFold, moves_cursor
from shellplay.stage.show.keyboard import RESIZED, Keyboard
from shellplay.stage.show.overlay import CLEAR, ENTER, LEAVE, show_pages
from shellplay.stage.show.styling import EventRenderer
from shellplay.views.sanitize import safe_line
from shellplay.views.wrap import wrap

CANCEL = "\x1b"
MAX_DIGITS = 4
SPEED_FACTOR, MIN_SPEED, MAX_SPEED = 1.5, 0.1, 50.0
FOLD_NOTE = "... {} more lines, o shows them"
PAUSE_HINT = "(Space goes on)"
HINT = "Space goes on, t takes over the bash, n the next heading, q quits, ? all keys"
KEYS = (
    ("Space, Enter", "go on at once"),
    ("t", "take over the live bash; Ctrl-] gives it back"),
    ("n, p", "the next heading, the previous one"),
    ("h", "choose a heading"),
    ("o", "show the folded output"),
    ("s", "wait for a key before each step, or no longer"),
    ("+, -", "faster, slower"),
    ("q", "quit"),
)


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """How a performance is shown.

    ``speed`` 2.0 is twice as fast; ``by_step`` waits for a key before each step; without
    ``typing`` a typed line appears at once.
    """

    speed: float = 1.0
    by_step: bool = False
    typing: bool = True


class Quit(Exception):
    """The viewer has quit."""


class StartOver(Exception):
    """The viewer jumps back, so the performance must start again, in a new playground.

    ``heading`` is where the viewer wants to be, from 1; ``options`` are the last options.
    """

    def __init__(self, heading: int, options: ShowOptions) -> None:
        super().__init__(heading)
        self.heading = heading
        self.options = options


class Show:
    """A sink of paced events, and a context manager; it writes each event at its time.

    - ``keyboard``: the viewer's keys; None: no pauses and no keys.
    - ``headings``: the titles of all headings; ``steps``: the number of all steps.
    - ``until``: skip all delays before this heading (from 1).
    - ``links``: the links of the prose may be links of the terminal.
    - ``forward_only``: refuse to jump back.
    - ``take_over``: called to lend the bash to the viewer; returns a sentence about it.
    """

    def __init__(
        self,
        printer: Printer,
        keyboard: Keyboard | None,
        options: ShowOptions,
        *,
        headings: Sequence[str] = (),
        steps: int = 0,
        until: int = 0,
        forward_only: bool = False,
        links: bool = False,
    ) -> None:
        self.take_over: Callable[[], str] = lambda: "there is no live bash yet"
        self._printer = printer
        self._keyboard = keyboard
        self._options = options
        self._headings = headings
        self._step, self._steps = 0, steps
        self._until = until
        self._forward_only = forward_only
        self._renderer = EventRenderer(printer.width, color=printer.color, links=links)
        # Only a viewer can unfold an output, and only a terminal with a cursor has a bar.
        self._fold = OutputFold(printer.width) if keyboard else None
        self._fd = printer.out.fileno() if keyboard and printer.redraws else None
        self._bar = (
            None if self._fd is None else Bar(self._write, self._fd, color=printer.color)
        )
        self._reached = 0
        self._last = 0.0
        # The text before the cursor, on its line.
        self._line = ""
        # Skip the delay before the next event; skip all delays to the end of the line.
        self._skip_delay = self._skip_typing = False

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.show(self._bar_text)
        if self._keyboard and not (self._bar and self._bar.is_shown):
            self._say(HINT)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, OutputLost):
            self._unfold()
            self._write(("\n" if self._line else "") + self._renderer.finish())
            if self._bar:
                self._bar.hide()

    def begin_step(self, number: int) -> None:
        """Take the number of the step that is performed next, from 1, for the bar."""
        self._step = number

    def __call__(self, event: Event) -> None:
        """Show one event at its time; raises `Quit` and `StartOver` for keys of the viewer."""
        if not isinstance(event, Output):
            self._unfold()
        gap, self._last = event.time - self._last, event.time
        self._delay(event, gap / self._options.speed)
        if isinstance(event, Heading):
            self._reached += 1
        self._draw(event)
        self._track_line(event)
        is_endless = isinstance(event, Pause) and event.seconds is None
        if is_endless or (isinstance(event, Prompt) and self._options.by_step):
            self._await_key()

    # -- time ----------------------------------------------------------------------------

    @property
    def _is_quick(self) -> bool:
        """Whether delays are skipped: there is no keyboard, or a jump is under way."""
        return self._keyboard is None or self._reached < self._until

    def _delay(self, event: Event, seconds: float) -> None:
        """Wait before an event, and handle keys meanwhile."""
        skip_delay, self._skip_delay = self._skip_delay or self._skip_typing, False
        if self._is_quick or isinstance(event, Ended):
            return
        if isinstance(event, Output):
            # A step is running now, and a key may take over its bash. So handle keys only
            # after the step.
            time.sleep(0.0 if skip_delay else seconds)
        elif not skip_delay and self._wait(seconds):
            self._skip_typing = isinstance(event, Typed)

    def _track_line(self, event: Event) -> None:
        """Keep the text between the start of the line and the cursor."""
        if isinstance(event, Prompt | Typed) and not event.text.endswith("\n"):
            self._line += event.text
            if isinstance(event, Typed):
                self._skip_typing = self._skip_typing or not self._options.typing
        else:
            self._line, self._skip_typing = "", False

    def _wait(self, seconds: float) -> bool:
        """Wait and handle keys; return True if a key ends the wait before its time."""
        assert self._keyboard
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            key = self._keyboard.key(left)
            if key is not None and self._handle_key(key):
                return True
        return False

    def _await_key(self) -> None:
        """Handle keys until one lets the performance continue."""
        if not self._keyboard or self._is_quick:
            return
        # At a prompt the cursor shows that shellplay waits; a pause needs a hint.
        hint = "" if self._line else self._dim(PAUSE_HINT)
        self._line += hint
        self._write(hint)
        while not self._handle_key(self._keyboard.key() or ""):
            continue
        self._skip_delay = True
        if hint:
            backspaces = "\b" * len(PAUSE_HINT)
            self._write(f"{backspaces}{' ' * len(PAUSE_HINT)}{backspaces}")
            self._line = ""

    # -- keys ----------------------------------------------------------------------------

    def _handle_key(self, key: str) -> bool:
        """Carry out a key; return True if the performance continues without delay.

        Raises `Quit` and `StartOver`.
        """
        match key:
            case " " | "\r" | "\n":
                return True
            case "n" | "\x1b[C" | "\x1b[6~":
                return self._jump(self._reached + 1)
            case "p" | "\x1b[D" | "\x1b[5~":
                return self._jump(max(self._reached - 1, 1))
            case "h":
                return self._choose()
            case "o":
                self._show_folded()
            case "+" | "-":
                factor = SPEED_FACTOR if key == "+" else 1 / SPEED_FACTOR
                speed = min(max(self._options.speed * factor, MIN_SPEED), MAX_SPEED)
                self._options = replace(self._options, speed=speed)
            case "s":
                by_step = not self._options.by_step
                self._options = replace(self._options, by_step=by_step)
                self._say("step by step: Space goes on" if by_step else "by itself")
            case "t":
                self._hand_over()
            case "?":
                self._show_lines([f"{names:<13} {action}" for names, action in KEYS])
            case "q":
                raise Quit
            case _ if key == RESIZED:
                self._follow_size()
        return False

    def _jump(self, heading: int) -> bool:
        """Jump forward to a heading; raises `StartOver` to jump back."""
        if heading > self._reached:
            self._until = heading
            return True
        if self._forward_only:
            self._say("a cast is being written, so it only goes forward")
            return False
        raise StartOver(heading, self._options)

    def _choose(self) -> bool:
        """List the headings, read a number, and jump there; Escape cancels."""
        assert self._keyboard
        titles = [f"{number} {title}" for number, title in enumerate(self._headings, 1)]
        if self._bar:
            self._write(ENTER + CLEAR + "".join(f"{safe_line(each)}\n" for each in titles))
        else:
            self._say(*titles)
        self._write(self._dim("number, Enter: "))
        number = ""
        while (key := self._keyboard.key(text=True) or "") not in ("\r", "\n", CANCEL):
            if key.isascii() and key.isdigit() and len(number) < MAX_DIGITS:
                number += key
                self._write(key)
        if self._bar:
            self._write(LEAVE)
            self._bar.restore()
        else:
            self._write(f"\n{self._line}")
        if key == CANCEL or not number or not 0 < int(number) <= len(self._headings):
            return False
        return self._jump(int(number))

    def _hand_over(self) -> None:
        if self._bar:
            self._bar.hide()
        try:
            sentence = self.take_over()
        except ShellplayError as error:
            sentence = str(error)
        if self._bar:
            self._bar.show(self._bar_text)
        self._say(sentence)

    def _show_folded(self) -> None:
        if self._fold and self._fold.folded:
            self._show_lines(self._fold.folded)
        else:
            self._say("no output is folded")

    def _show_lines(self, lines: Sequence[str]) -> None:
        """Show lines above the performance, or, if there is no bar, as a part of it."""
        if self._bar and self._keyboard and self._fd is not None:
            show_pages(self._write, self._keyboard, self._fd, lines)
            self._follow_size()
            self._bar.restore()
        else:
            self._say(*lines)

    # -- output --------------------------------------------------------------------------

    def _draw(self, event: Event) -> None:
        """Write the text of an event, and keep the bar below it."""
        self._follow_size()
        text = self._renderer.text(event)
        if self._fold and isinstance(event, Output):
            text = self._fold.feed(text)
        if self._bar and isinstance(event, Heading | Prompt):
            self._bar.show(self._bar_text)
        self._write(text)
        if self._bar and isinstance(event, Output) and moves_cursor(text):
            self._bar.restore()

    def _unfold(self) -> None:
        """Write the end of an output that was held back."""
        if self._fold:
            self._write(self._fold.finish(self._dim(FOLD_NOTE)))

    def _follow_size(self) -> None:
        if self._bar and self._bar.follow_size():
            self._renderer.resize(self._printer.width)
            if self._fold:
                self._fold.columns = self._printer.width

    def _bar_text(self, columns: int) -> str:
        count = len(self._headings)
        title = self._headings[self._reached - 1] if 0 < self._reached <= count else ""
        where = f"{self._reached}/{count}" if count else ""
        return bar_text(where, safe_line(title), f"step {self._step}/{self._steps}", columns)

    def _say(self, *sentences: str) -> None:
        """Write dim lines, then the interrupted line of the performance again."""
        columns = self._printer.width
        told = (wrap(safe_line(sentence), columns) for sentence in sentences)
        lines = "".join(f"{self._dim(each)}\n" for each in told)
        self._write(("\n" if self._line else "") + lines + self._line)

    def _dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._printer.color else text

    def _write(self, text: str) -> None:
        if text:
            self._printer.write(text)
