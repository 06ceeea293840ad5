"""The stage: a playground of its own in which steps of a recipe are performed, one by one.

Every actor's output is taken exactly, and everything that happens is told to the sinks as
events, so that casts, pages and reports need no code here.
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
from shellplay.cmdline.interpreter import Interpreter
from shellplay.container.container import Container
from shellplay.errors import Refused, ShellplayError
from shellplay.model import ShellState
from shellplay.playground.playground import Playground
from shellplay.recipe.document import Actor, Header, Step
from shellplay.recipe.output import lines
from shellplay.settings import Settings
from shellplay.stage.perform.capture import GAP, LONGEST_END, Capture, StagePrinter
from shellplay.stage.perform.environment import images_of_its_own, surroundings
from shellplay.stage.perform.key_names import keys
from shellplay.stage.perform.key_sender import Typist
from shellplay.stage.perform.watchdog import Watchdog
from shellplay.stage.record.snapshot import scene

PROMPTS = {Actor.PLAY: "shellplay> ", Actor.HOST: "host$ "}
TIMED_OUT = 124


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step: all that was printed, as it came, and its exit status.

    ``notices`` are sentences about what happened by itself meanwhile; they are not in the
    output, since nobody can say whether they come in time.  ``timed_out`` tells that the
    step was interrupted; its status is 124 then.
    """

    output: str
    status: int
    notices: tuple[str, ...] = ()
    timed_out: bool = False


class Stage:
    """A context manager that performs steps, and leaves nothing behind.

    ``scenes`` tells the sinks after each step how the playground stands.  Times of events
    are in seconds since the stage was entered, by ``clock``.  While it is ``hidden`` the
    sinks hear nothing of steps; ``pace`` is how many seconds a typed character takes.
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
        self._held: list[Event] | None = None
        # What the sinks take the size of the terminal for.
        self._drawn_for: tuple[int, int] = (self.header.columns, self.header.rows)
        self.hidden = False
        self.pace: float | None = None

    def __enter__(self) -> Self:
        self._began = self._clock()
        self._capture = Capture()
        around = surroundings(self.header, self._capture.fd)
        self.scratch = Path(around.scratch or "")
        self._undo = ExitStack()
        if self.header.images:
            self._undo.enter_context(images_of_its_own(self.scratch))
        self.playground = Playground(Settings(surroundings=around))
        self.playground.prestart()
        self.printer = StagePrinter(self._capture.stream, self.header.columns)
        front = _Front(self.printer, self._show)
        self.interpreter = _Interpreter(self.playground, self.printer, front)
        self._front = front
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.playground.close()
        self._undo.close()
        self._capture.close()
        # The playground process removes it, unless somebody has killed that.
        if self.scratch.exists():
            shutil.rmtree(self.scratch)

    @property
    def now(self) -> float:
        """The time of an event that happens now."""
        return self._clock() - self._began

    def emit(self, event: Event) -> None:
        """Tell every sink of an event."""
        if self._held is not None:
            self._held.append(event)
            return
        for sink in self.sinks:
            sink(event)

    @contextmanager
    def held(self) -> Iterator[list[Event]]:
        """Keep the events of the block back, for whoever decides that they are to be told."""
        events: list[Event] = []
        self._held = events
        try:
            yield events
        finally:
            self._held = None

    # -- steps ---------------------------------------------------------------------------

    def perform(
        self,
        step: Step,
        text: str | None = None,
        *,
        timeout: float | None = None,
        enough: Callable[[str], bool] | None = None,
    ) -> Outcome:
        """Perform one step; ``text`` takes the place of its own, with values put in.

        It is interrupted after ``timeout`` seconds, or what the step or the header say.  A
        step of keys ends as soon as its output is ``enough``, or, without that, when
        nothing has come for a moment.  Raises KeyboardInterrupt, after the step, if a
        person has interrupted it.
        """
        words = step.text if text is None else text
        self._announce(step, words)
        seconds = timeout or step.conditions.timeout or self.header.timeout
        self._capture.take()
        self._seen = Seen()
        watchdog = Watchdog(seconds, self.playground.abandon)
        with self._capture.bounded():
            status = watchdog.run(lambda: self._act(step, words, enough))
        self.printer.end_stream()
        self._show()
        if watchdog.interrupted:
            raise KeyboardInterrupt
        notices = tuple(self.playground.notices())
        self._tell("".join(f"{each}\n" for each in notices))
        if self.scenes:
            self.emit(scene(self.playground, self.now, f"{step.actor} {words}"))
        output = self._seen.text
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
                    result = container.run(text, output=self._front.stream)
                    # Without a status bash has ended, or is another program now.
                    return result.status or 0
                case _:
                    typist = Typist(self.container(step.container), self._front.stream)
                    typist.type(keys(text), enough and (lambda: enough(self._seen.text)))
                    return 0
        except ShellplayError as error:
            self.printer.error(error)
            return error.exit_status

    def container(self, name: str | None) -> Container:
        """Return a container by its name, or the current one; raises Refused."""
        container = self.playground.find(name) if name else self.playground.current
        if container is None:
            raise Refused("there is no container", "play> new makes one")
        return container

    # -- what is shown -------------------------------------------------------------------

    def _announce(self, step: Step, text: str) -> None:
        if not self.sinks or self.hidden:
            return
        self._draw_for(step)
        if step.actor in PROMPTS:
            self.emit(Prompt(self.now, PROMPTS[step.actor]))
        else:
            self.emit(Prompt(self.now, self._prompt_of(step.container)))
        if step.actor is not Actor.KEY:
            pace = self.pace if step.conditions.type is None else step.conditions.type
            self.emit(Typed(self.now, f"{text}\n", pace))

    def _draw_for(self, step: Step) -> None:
        """Tell the sinks of another size, if the bash of a step has one: stty(1) sets it."""
        size = (self.header.columns, self.header.rows)
        if step.actor not in PROMPTS:
            with suppress(ShellplayError):  # The step is about to say it.
                size = os.get_terminal_size(self.container(step.container).terminal.master)
        if size != self._drawn_for:
            self._drawn_for = size
            self.emit(Resized(self.now, *size))

    def _prompt_of(self, name: str | None) -> str:
        """Return the prompt that the terminal of a container shows."""
        try:
            container = self.container(name)
            if container.terminal.prompt_is_stale and container.state is ShellState.IDLE:
                # Bash makes a new prompt after a line only, be it an empty one.
                container.run("")
        except ShellplayError:
            # The step is about to say it.
            return "$ "
        shown = container.terminal.scrollback().rsplit(b"\n", 1)[-1]
        return "".join(lines(shown.decode("utf-8", "backslashreplace")))

    def _show(self) -> None:
        text = self._capture.take()
        if text:
            self._seen.add(text)
            self._tell(text)

    def _tell(self, text: str) -> None:
        if text and not self.hidden:
            self.emit(Output(self.now, text))

    def tails(self, size: int = 80) -> dict[str, str]:
        """Return the last bytes that the terminal of each container has shown, escaped."""
        return {
            each.label: ascii(each.terminal.scrollback()[-size:])[2:-1]
            for each in self.playground.containers
        }


class Seen:
    """The output of a step: all of it, or, if it is very long, its begin and its end."""

    def __init__(self) -> None:
        self._begin: list[str] = []
        self._rest: deque[str] = deque()
        self._room = self._room_behind = LONGEST_END
        self._cut = False

    def add(self, text: str) -> None:
        """Take in what came."""
        if self._room > 0:
            self._begin.append(text)
            self._room -= len(text)
            return
        self._rest.append(text)
        self._room_behind -= len(text)
        while self._room_behind + len(self._rest[0]) < 0:
            self._room_behind += len(self._rest.popleft())
            self._cut = True

    @property
    def text(self) -> str:
        """What it is compared by; a line of its own says that something is left out."""
        gap = [GAP] if self._cut else []
        return "".join((*self._begin, *gap, *self._rest))


class _Interpreter(Interpreter):
    """An interpreter that leaves notices to the stage."""

    def tell(self) -> None:
        """Say nothing."""


class _Front:
    """The front end of a stage: no terminal, and output is passed on as it comes."""

    terminal = False

    def __init__(self, printer: StagePrinter, show: Callable[[], None]) -> None:
        self._printer = printer
        self._shown = show

    def stream(self, text: str) -> None:
        """Show a piece of output from inside."""
        self._printer.stream(text)
        self._shown()

    def typed_ahead(self) -> bytes:
        """Take nothing: nobody types."""
        return b""

    def give_back(self, keys: bytes) -> None:
        """Let go of keys: there is no prompt that they could be for."""
