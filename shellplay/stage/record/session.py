"""One recording: what happens in a session becomes the steps and the prose of a recipe."""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from shellplay.cast.events import Ended, Event, Output, Prompt, Resized, Typed
from shellplay.cmdline.observer import Heard
from shellplay.cmdline.outcomes import Outcome, Status
from shellplay.cmdline.printer import Printer
from shellplay.cmdline.setting_types import SETTINGS, shown
from shellplay.container.container import Container
from shellplay.errors import UsageError
from shellplay.playground.playground import Playground
from shellplay.recipe.document import Actor, Header, Needs, Prose
from shellplay.recipe.header import COLUMNS, ROWS
from shellplay.settings import Settings
from shellplay.shell.run_line import unprintable
from shellplay.stage.perform.capture import StagePrinter
from shellplay.stage.perform.cast_sinks import Casting
from shellplay.stage.perform.environment import surroundings
from shellplay.stage.perform.host_output import Tee
from shellplay.stage.perform.narration import told
from shellplay.stage.perform.stage import PROMPTS
from shellplay.stage.record.enter_steps import Visits
from shellplay.stage.record.keystrokes import Size, quoted
from shellplay.stage.record.recipe_file import Manuscript
from shellplay.stage.record.snapshot import scene
from shellplay.stage.record.step_writer import Scribe
from shellplay.stage.record.values import last_pid
from shellplay.views.sanitize import safe

TOTAL_SECONDS = 600.0
# What is about the session, and not of it.
LEFT_OUT = ("record", "quit", "enter", "replay", "recipes", "tour")
# What may be looked at again until it is as expected.
VOLATILE = ("ps", "tree", "fences", "containers", "inspect")
# What tells of this machine, or of how something was typed.
UNLIKE = ("logs", "doctor", "stats")
INTERRUPTED = 130


@dataclass
class Underway:
    """A command from its beginning to its end: all that is told of it."""

    text: str = ""
    command: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    # The current container before it.
    container: Container | None = None
    # What ran, if something did: its status, and what it printed.
    status: int | None = None
    output: str = ""
    pieces: list[str] = field(default_factory=list)
    notices: str = ""
    since: int = field(default_factory=last_pid)
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long it has taken up to now."""
        return time.monotonic() - self.began

    @property
    def printed(self) -> str:
        """All that it has printed itself."""
        return "".join(self.pieces).removesuffix(self.notices)


class Session:
    """Hears what happens from the beginning of a recording to its end."""

    def __init__(
        self,
        playground: Playground,
        printer: Printer,
        path: Path,
        *,
        force: bool = False,
        casting: Casting | None = None,
    ) -> None:
        self.path = path
        self._playground = playground
        self._printer = printer
        self._began = time.monotonic()
        header = header_for(path)
        with ExitStack() as undo:
            self._manuscript = Manuscript(path, header, force=force)
            undo.callback(self._manuscript.close)
            sinks = (casting or Casting()).sinks(header, paced=False)
            try:
                self._sinks = undo.enter_context(sinks)
            except UsageError:
                path.unlink()
                raise
            self._scenes = bool(casting and casting.wants_scenes)
            self._tee = Tee(printer.stream)
            undo.callback(self._tee.close)
            # A recipe finds the same around it wherever it is performed.
            playground.close()
            around = surroundings(header, self._tee.fd)._replace(tells_lines=True)
            undo.callback(self._forsake, around.scratch)
            playground.settings.surroundings = around
            playground.prestart()
            self._copy = StagePrinter(Ear(self._hear), header.columns)
            printer.copies.append(self._copy)
            undo.callback(printer.copies.remove, self._copy)
            self._undo = undo.pop_all()
        self._size = self._drawn_for = (header.columns, header.rows)
        self._scribe = Scribe(self._manuscript, playground, str(around.scratch))
        self._visits = Visits(playground, self._scribe, self._show, self._size)
        self._step = Underway()
        for name in SETTINGS:
            value = shown(playground.settings, name)
            if value != shown(Settings(), name):
                self._scribe.set(name, value)
        self._tell_prose(f"# {header.title}")

    def close(self) -> str:
        """Complete everything, and say where it is."""
        self._emit(Ended(self._now, 0))
        self._undo.close()
        steps = self._scribe.steps
        return f"{self.path}: {steps} step{'' if steps == 1 else 's'}"

    def _forsake(self, scratch: str | None) -> None:
        """Let what comes after find what there was before, except for what runs."""
        around = self._playground.settings.surroundings
        self._playground.settings.surroundings = around._replace(output=None)
        if scratch and self._playground.playground_pid is None and Path(scratch).exists():
            shutil.rmtree(scratch)

    # -- what the interpreter tells ------------------------------------------------------

    def remarked(self, line: str) -> None:
        """Write a comment down as a paragraph, or as the heading that it is."""
        is_heading = line.startswith("##")
        text = line if is_heading else line.lstrip("#").strip()
        if text.strip("# \t"):
            self._manuscript.add_prose(text)
            self._tell_prose(text)

    def began(self, text: str) -> None:
        """Take down what a step is about to do."""
        self._step = Underway(text)
        self._visits.catch_up(self._playground.current)
        self._emit(Prompt(self._now, PROMPTS[Actor.PLAY]))
        self._emit(Typed(self._now, f"{text}\n"))

    def bound(self, name: str, values: Mapping[str, object]) -> None:
        """Take down which command it is."""
        step = self._step
        step.command, step.values = name, dict(values)
        step.container = self._playground.current
        if name in LEFT_OUT:
            step.text = ""

    def came(self, outcome: Outcome) -> None:
        """Take down the exit status of what ran."""
        self._tee.settle()
        if isinstance(outcome, Status):
            self._step.status, self._step.output = outcome.status, self._step.printed

    def ended(self, status: int) -> None:
        """Write the step down."""
        self._tee.settle()
        step, self._step = self._step, Underway()
        if step.text:
            self._write(step, status)
            if self._scenes:
                self._emit(scene(self._playground, self._now, f"play> {step.text}"))

    def noticed(self, sentence: str) -> None:
        """Keep a notice for the step that it belongs to."""
        self._step.notices += f"{safe(sentence)}\n"
        self._scribe.remember(sentence)

    @contextmanager
    def entered(self, container: Container) -> Iterator[Heard]:
        """Write down, in the block, what is typed into a live bash."""
        if self._step.container is None:
            self._made(container)
        with self._visits.of(container) as heard:
            yield heard
        self._draw_for(self._size)
        if self._scenes:
            self._emit(scene(self._playground, self._now, "enter"))

    # -- steps ---------------------------------------------------------------------------

    def _write(self, step: Underway, status: int) -> None:
        if self._is_typed_in(step):
            self._write_line(step)
            return
        actor, text, output = Actor.PLAY, step.text, step.printed
        if step.command == "!" and step.status is not None:
            actor, text = Actor.HOST, str(step.values["line"])
            output, status = step.output, step.status
        if output.endswith("shellplay: interrupted\n"):
            self._scribe.skipped(actor, text, None, "it was interrupted")
            return
        traced = self._playground.settings.trace and actor is Actor.PLAY
        current = self._playground.current
        came = self._scribe.came(actor, text, output, status, of=current)
        self._scribe.step(
            replace(came, seconds=step.seconds),
            since=step.since,
            eventually=step.command in VOLATILE,
            anything=step.command in UNLIKE or "--json" in text or traced,
        )

    def _is_typed_in(self, step: Underway) -> bool:
        """Tell whether a command did what an ``in>`` step does."""
        if step.command != "in" or step.status is None or step.container is None:
            return False
        container = self._target(step)
        return "timeout" not in step.values and (
            container is step.container or container.name is not None
        )

    def _target(self, step: Underway) -> Container:
        label = step.values.get("container")
        container = self._playground.find(str(label)) if label else step.container
        assert container is not None, "it was asked whether there is one"
        return container

    def _write_line(self, step: Underway) -> None:
        text, container = str(step.values["line"]), self._target(step)
        is_current = container is step.container
        is_interrupted = step.status == INTERRUPTED and "^C" in step.output
        is_typable = not any(unprintable(char) or char in "\n\t" for char in text)
        if is_interrupted and is_current and is_typable:
            self._scribe.keys(f"{quoted(text)} Enter")
            self._scribe.keys("C-c")
            self._scribe.await_prompt(None)
            return
        came = self._scribe.came(Actor.IN, text, step.output, step.status or 0, of=container)
        name = None if is_current else container.name
        self._scribe.step(replace(came, container=name, seconds=step.seconds), since=step.since)

    def _made(self, container: Container) -> None:
        """Write down that a container was made for those who enter it."""
        born = self._step.printed.partition("\n")[0]
        came = self._scribe.came(Actor.PLAY, "new", f"{born}\n", 0, of=container)
        self._scribe.step(came, since=self._step.since)

    # -- casts ---------------------------------------------------------------------------

    @property
    def _now(self) -> float:
        return time.monotonic() - self._began

    def _hear(self, text: str) -> None:
        self._step.pieces.append(text)
        self._emit(Output(self._now, text))

    def _draw_for(self, size: Size) -> None:
        if size != self._drawn_for:
            self._drawn_for = size
            self._emit(Resized(self._now, *size))

    def _show(self, piece: bytes, size: Size) -> None:
        self._draw_for(size)
        text = piece.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
        self._emit(Output(self._now, text))

    def _tell_prose(self, text: str) -> None:
        for event in told(Prose(text), self._now):
            self._emit(event)

    def _emit(self, event: Event) -> None:
        for sink in self._sinks:
            sink(event)


class Ear(io.StringIO):
    """A stream that hands on what is written to it."""

    def __init__(self, heard: Callable[[str], None]) -> None:
        super().__init__()
        self._heard = heard

    def write(self, text: str) -> int:
        """Hand a text on."""
        self._heard(text)
        return len(text)


def header_for(path: Path) -> Header:
    """Return the header of a recipe that is recorded here and now."""
    usual = Header()
    try:
        columns, rows = os.get_terminal_size(1)
    except OSError:
        columns, rows = usual.columns, usual.rows
    if columns not in COLUMNS or rows not in ROWS:
        columns, rows = usual.columns, usual.rows
    return Header(
        title=path.name.removesuffix(".play.md"),
        needs=Needs(all=("root",) if os.geteuid() == 0 else ("ordinary", "userns")),
        total_timeout=TOTAL_SECONDS,
        columns=columns,
        rows=rows,
        environment={"TERM": os.environ.get("TERM") or "dumb"},
    )
