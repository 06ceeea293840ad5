"""The stage: it performs the steps of one recipe, one by one, in its own playground.

It captures the exact output of each actor.  It also emits all that happens as events to
sinks; casts and demonstrations are made from these events.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from shellplay.cast.events import Event, Output, Prompt, Resized, Sink, Typed
from shellplay.cmdline import prompt
from shellplay.cmdline.interpreter import Interpreter
from shellplay.container.container import Container
from shellplay.errors import Refused, ShellplayError
from shellplay.model import ShellState
from shellplay.playground.playground import Playground
from shellplay.recipe.document import Actor, Header, Step
from shellplay.recipe.output import lines
from shellplay.settings import Settings
from shellplay.stage.perform.capture import (
    GAP,
    MAX_PART,
    Capture,
    Layout,
    StagePrinter,
    sentence_layout,
)
from shellplay.stage.perform.environment import make_surroundings, separate_image_store
from shellplay.stage.perform.key_names import parse_keys
from shellplay.stage.perform.key_sender import KeySender
from shellplay.stage.perform.watchdog import Watchdog
from shellplay.stage.record.snapshot import take_scene

HOST_PROMPT = "host$ "
TIMED_OUT = 124


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a step: its output, unchanged, and its exit status.

    ``notices`` are sentences about events that no step caused, as the end of a bash.  They
    are not part of ``output``, since the time of a notice is not certain.  If ``timed_out``,
    the step was interrupted and its status is 124.
    """

    output: str
    status: int
    notices: tuple[str, ...] = ()
    timed_out: bool = False


class Stage:
    """A context manager that performs steps; at its end, all processes and files are gone.

    - With ``scenes``, the sinks get a `Scene` after each step.
    - ``clock`` gives the time in seconds; the time of an event counts from the start of the
      stage.
    - While ``hidden`` is true, the sinks get no events of steps.
    - ``pace`` is the time to type one character in seconds; None: the usual time.
    """

    def __init__(
        self,
        header: Header | None = None,
        sinks: Sequence[Sink] = (),
        *,
        scenes: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.header = header or Header()
        self.sinks = sinks
        self.scenes = scenes
        self._clock = clock
        # The events of a block of `held_back`; None outside of it.
        self._held_back: list[Event] | None = None
        # The terminal size that the sinks know.
        self._sink_size: tuple[int, int] = (self.header.columns, self.header.rows)
        self.hidden = False
        self.pace: float | None = None

    def __enter__(self) -> Self:
        self._began = self._clock()
        with ExitStack() as undo:
            self._capture = Capture()
            undo.callback(self._capture.close)
            surroundings = make_surroundings(self.header, self._capture.fd)
            self.scratch = Path(surroundings.scratch or "")
            undo.callback(self._remove_scratch)
            if self.header.images:
                undo.enter_context(separate_image_store(self.scratch))
            settings = Settings(surroundings=surroundings)
            self.playground = undo.enter_context(Playground(settings))
            self.playground.prestart()
            self._undo = undo.pop_all()
        self.printer = StagePrinter(
            self._capture.stream, self.header.columns, keeps_layouts=bool(self.sinks)
        )
        self._front_end = _StageFrontEnd(self.printer, self._emit_captured)
        self.interpreter = _StageInterpreter(self.playground, self.printer, self._front_end)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._undo.close()

    def _remove_scratch(self) -> None:
        # The playground removes the directory, but not if it could not start.
        if self.scratch.exists():
            shutil.rmtree(self.scratch)

    @property
    def now(self) -> float:
        """The time in seconds since the start of the stage."""
        return self._clock() - self._began

    def emit(self, event: Event) -> None:
        """Give an event to all sinks, or keep it in a block of `held_back`."""
        if self._held_back is not None:
            self._held_back.append(event)
            return
        for sink in self.sinks:
            sink(event)

    @contextmanager
    def held_back(self) -> Iterator[list[Event]]:
        """Keep all events of the block in the list; the caller may emit them afterwards."""
        events: list[Event] = []
        self._held_back = events
        try:
            yield events
        finally:
            self._held_back = None

    # -- steps ---------------------------------------------------------------------------

    def perform(
        self,
        step: Step,
        text: str | None = None,
        *,
        timeout: float | None = None,
        enough: Callable[[str], bool] | None = None,
    ) -> Outcome:
        """Perform one step, and return its outcome.

        - ``text`` is the command with values in the place of named tags; None: `Step.text`.
        - ``timeout`` is in seconds; None: the timeout of the step, or of the header.
        - ``enough`` gets the output so far of a step of keys; the step ends when it returns
          true.  None: the step ends when no output has come for a moment.

        Raises `KeyboardInterrupt`, after the step, if the user has interrupted it.
        """
        command = step.text if text is None else text
        self._emit_prompt(step, command)
        seconds = timeout or step.conditions.timeout or self.header.timeout
        self._capture.take()
        self._output = BoundedText()
        watchdog = Watchdog(seconds, self.playground.abandon)
        with self._capture.bounded():
            status = watchdog.run(lambda: self._act(step, command, enough))
        self.printer.end_stream()
        self._emit_captured()
        if watchdog.interrupted:
            raise KeyboardInterrupt
        notices = tuple(self.playground.notices())
        for notice in notices:
            self._emit_output(f"{notice}\n", sentence_layout(notice))
        if self.scenes:
            self.emit(take_scene(self.playground, self.now, f"{step.actor} {command}"))
        output = self._output.text
        if status is None or watchdog.fired:
            return Outcome(output, TIMED_OUT, notices, timed_out=True)
        return Outcome(output, status, notices)

    def _act(self, step: Step, text: str, enough: Callable[[str], bool] | None) -> int:
        if step.actor is Actor.PLAY:
            return self.interpreter.run(text)
        try:
            match step.actor:
                case Actor.HOST:
                    return self.playground.host(text)
                case Actor.IN:
                    container = self.container(step.container)
                    result = container.run(text, output=self._front_end.stream)
                    # No status: bash has ended, or has replaced itself by exec.
                    return result.status or 0
                case _:
                    sender = KeySender(self.container(step.container), self._front_end.stream)
                    keys = parse_keys(text)
                    sender.type(keys, enough and (lambda: enough(self._output.text)))
                    return 0
        except ShellplayError as error:
            self.printer.error(error)
            return error.exit_status

    def container(self, name: str | None) -> Container:
        """Return the container of this name; None: the current container.

        Raises `Refused` if there is no such container.
        """
        container = self.playground.find(name) if name else self.playground.current
        if container is None:
            raise Refused("there is no container", "play> new makes one")
        return container

    # -- events --------------------------------------------------------------------------

    def _emit_prompt(self, step: Step, text: str) -> None:
        """Emit the prompt and the typed line of a step."""
        if not self.sinks or self.hidden:
            return
        self._emit_size(step)
        self.emit(Prompt(self.now, self._prompt_of(step)))
        if step.actor is not Actor.KEY:
            pace = self.pace if step.conditions.type is None else step.conditions.type
            self.emit(Typed(self.now, f"{text}\n", pace))

    def _emit_size(self, step: Step) -> None:
        """Emit the terminal size if it has changed: stty(1) changes it in a bash."""
        size = (self.header.columns, self.header.rows)
        if step.actor not in (Actor.PLAY, Actor.HOST):
            with suppress(ShellplayError):  # The step itself reports this error.
                size = os.get_terminal_size(self.container(step.container).terminal.master)
        if size != self._sink_size:
            self._sink_size = size
            self.emit(Resized(self.now, *size))

    def _prompt_of(self, step: Step) -> str:
        """Return the prompt of shellplay or of the host, or that of a container's terminal."""
        if step.actor is Actor.PLAY:
            return prompt.text(self.playground)
        if step.actor is Actor.HOST:
            return HOST_PROMPT
        try:
            container = self.container(step.container)
            if container.terminal.prompt_is_stale and container.state is ShellState.IDLE:
                # Bash expands PS1 again only after a line; an empty line is enough.
                container.run("")
        except ShellplayError:
            # The step itself reports this error.
            return "$ "
        last_line = container.terminal.scrollback().rsplit(b"\n", 1)[-1]
        return "".join(lines(last_line.decode("utf-8", "backslashreplace")))

    def _emit_captured(self) -> None:
        """Take the captured text into the output of the step, and emit it."""
        text = self._capture.take()
        if text:
            self._output.add(text)
            for part, layout in self.printer.with_layouts(text):
                self._emit_output(part, layout)

    def _emit_output(self, text: str, layout: Layout | None = None) -> None:
        if text and not self.hidden:
            self.emit(Output(self.now, text, layout))

    def terminal_tails(self, size: int = 80) -> dict[str, str]:
        """Return the last ``size`` bytes of the terminal of each container, escaped.

        The keys are the labels of the containers.
        """
        return {
            each.label: ascii(each.terminal.scrollback()[-size:])[2:-1]
            for each in self.playground.containers
        }


class BoundedText:
    """A text that grows by pieces; of a very long text only beginning and end are kept."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._last: deque[str] = deque()
        # How many characters may still be added to each.
        self._room_first = self._room_last = MAX_PART
        self._is_cut = False

    def add(self, text: str) -> None:
        """Append a piece."""
        if self._room_first > 0:
            self._first.append(text)
            self._room_first -= len(text)
            return
        self._last.append(text)
        self._room_last -= len(text)
        while self._room_last + len(self._last[0]) < 0:
            self._room_last += len(self._last.popleft())
            self._is_cut = True

    @property
    def text(self) -> str:
        """The whole text, with GAP on a line of its own where characters are left out."""
        gap = [GAP] if self._is_cut else []
        return "".join((*self._first, *gap, *self._last))


class _StageInterpreter(Interpreter):
    """An interpreter that shows no notices: the stage reads them after each step."""

    def tell(self) -> None:
        """Show nothing."""


class _StageFrontEnd:
    """The front end of a stage: it has no terminal, and passes output on as it comes."""

    terminal = asks = False
    input: int | None = None
    draws: bool | None = None

    def __init__(self, printer: StagePrinter, emit_captured: Callable[[], None]) -> None:
        self._printer = printer
        self._emit_captured = emit_captured

    def confirm(self, question: str) -> bool:
        """Return False: a recipe is asked nothing."""
        return False

    def stream(self, text: str) -> None:
        """Show a piece of output of a container."""
        self._printer.stream(text)
        self._emit_captured()

    def draw(self, text: str) -> None:
        """Show it as other output: a stage has no keyboard."""
        self.stream(text)

    def typed_ahead(self) -> bytes:
        """Return no keys: a stage has no keyboard."""
        return b""

    def give_back(self, keys: bytes) -> None:
        """Drop keys: a stage has no prompt that could read them."""

    def next_line(self) -> str | None:
        """Return None: a step of a recipe is complete."""
