"""One recording: the commands and comments of a session become steps and prose of a recipe."""

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
from shellplay.cast.narration import narrate
from shellplay.cmdline import prompt
from shellplay.cmdline.observer import Heard
from shellplay.cmdline.outcomes import Outcome, Status
from shellplay.cmdline.printer import Printer
from shellplay.cmdline.setting_types import SETTINGS, shown
from shellplay.container.container import Container
from shellplay.errors import UsageError
from shellplay.playground.playground import Playground
from shellplay.recipe.document import Actor, Header, Needs, Prose
from shellplay.recipe.header import COLUMNS, ROWS
from shellplay.recipe.shipped import SUFFIX
from shellplay.settings import Settings
from shellplay.shell.run_line import unprintable
from shellplay.stage.perform.capture import StagePrinter
from shellplay.stage.perform.cast_sinks import CastFiles
from shellplay.stage.perform.environment import make_surroundings
from shellplay.stage.perform.host_output import HostOutput
from shellplay.stage.record.enter_steps import EnterSteps
from shellplay.stage.record.keystrokes import Size, quote
from shellplay.stage.record.recipe_file import RecipeFile
from shellplay.stage.record.snapshot import take_scene
from shellplay.stage.record.step_writer import StepWriter
from shellplay.stage.record.values import last_pid
from shellplay.views.sanitize import safe

TOTAL_SECONDS = 600.0
# Commands that control the session; they are not steps.
NOT_RECORDED = ("record", "quit", "enter", "replay", "recipes", "tour")
# Commands that only read the state: their step is repeated until it is as expected.
READ_ONLY = ("ps", "tree", "fences", "containers", "inspect")
# Commands whose output depends on the machine, the time or the keys typed: their step expects
# any output.
NOT_COMPARED = ("logs", "doctor", "stats", "look")
INTERRUPTED = 130


@dataclass
class RunningCommand:
    """A command of the session while it runs.

    - ``text``: the typed line, "" if it is not recorded.
    - ``command``, ``values``: the name of the command, and its arguments.
    - ``container``: the current container before it.
    - ``status``, ``output``: of the line that the command ran in a bash or on the host; the
      status is None if it ran no line.
    - ``was_typed_to``: whether the user has typed keys for that line.
    - ``pieces``, ``notices``: all printed text, and the notices at its end.
    - ``since``: the last PID that the kernel assigned before it.
    - ``began``: the start on the monotonic clock.
    """

    text: str = ""
    command: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    container: Container | None = None
    status: int | None = None
    output: str = ""
    was_typed_to: bool = False
    pieces: list[str] = field(default_factory=list)
    notices: str = ""
    since: int = field(default_factory=last_pid)
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """The seconds since the start of the command."""
        return time.monotonic() - self.began

    @property
    def printed(self) -> str:
        """The text printed by the command, without notices."""
        return "".join(self.pieces).removesuffix(self.notices)


class Session:
    """One recording from its start to `close`; the interpreter reports each command to it.

    ``path`` is the recipe file; ``force`` replaces an existing one.  ``cast_files`` are
    casts to write as well.  Raises `Refused` if the file exists, `UsageError` if a file
    cannot be written.
    """

    def __init__(
        self,
        playground: Playground,
        printer: Printer,
        path: Path,
        *,
        force: bool = False,
        cast_files: CastFiles | None = None,
    ) -> None:
        self.path = path
        self._playground = playground
        self._printer = printer
        self._began = time.monotonic()
        # Why a cast could not be written while a command printed.
        self._failure: OSError | None = None
        header = header_for(path)
        with ExitStack() as undo:
            self._recipe_file = RecipeFile(path, header, force=force)
            undo.callback(self._recipe_file.close)
            sinks = (cast_files or CastFiles()).sinks(header, paced=False)
            try:
                self._sinks = undo.enter_context(sinks)
            except UsageError:
                path.unlink()
                raise
            self._scenes = bool(cast_files and cast_files.needs_scenes)
            self._host_output = HostOutput(printer.stream)
            undo.callback(self._host_output.close)
            scratch = self._change_surroundings(header, undo)
            self._copy = StagePrinter(_CallbackStream(self._record_text), header.columns)
            printer.copies.append(self._copy)
            undo.callback(printer.copies.remove, self._copy)
            self._undo = undo.pop_all()
        self._size = self._sink_size = (header.columns, header.rows)
        self._writer = StepWriter(self._recipe_file, playground, scratch)
        self._enter_steps = EnterSteps(
            playground, self._writer, self._emit_terminal_output, self._size
        )
        self._command = RunningCommand()
        self._write_settings()
        self._emit_prose(f"# {header.title}")

    def close(self) -> str:
        """Complete recipe and casts; return a sentence with path and number of steps."""
        try:
            self._emit(Ended(self._now, 0))
        finally:
            self._undo.close()
        steps = self._writer.steps
        return f"{self.path}: {steps} step{'' if steps == 1 else 's'}"

    def _change_surroundings(self, header: Header, undo: ExitStack) -> str:
        """Give the session the environment of the recipe; return the scratch directory."""
        self._playground.close()
        surroundings = make_surroundings(header, self._host_output.fd)
        surroundings = surroundings.changed(reports_lines=True)
        undo.callback(self._restore_surroundings, surroundings.scratch)
        self._playground.settings.surroundings = surroundings
        self._playground.prestart()
        return str(surroundings.scratch)

    def _restore_surroundings(self, scratch: str | None) -> None:
        """Give later programs the old output; remove the scratch directory if none runs."""
        surroundings = self._playground.settings.surroundings
        self._playground.settings.surroundings = surroundings.changed(output=None)
        if scratch and self._playground.playground_pid is None and Path(scratch).exists():
            shutil.rmtree(scratch)

    # -- reports of the interpreter, see `shellplay.cmdline.observer` --------------------

    def remarked(self, line: str) -> None:
        """Write a comment as a paragraph, or as a heading if it begins with ``##``."""
        is_heading = line.startswith("##")
        text = line if is_heading else line.lstrip("#").strip()
        if text.strip("# \t"):
            self._recipe_file.add_prose(text)
            self._emit_prose(text)

    def began(self, text: str) -> None:
        """Begin a command with the typed line."""
        self._command = RunningCommand(text)
        self._enter_steps.catch_up(self._playground.current)
        self._emit(Prompt(self._now, prompt.text(self._playground)))
        self._emit(Typed(self._now, f"{text}\n"))

    def bound(self, name: str, values: Mapping[str, object]) -> None:
        """Keep the name of the command and its arguments."""
        command = self._command
        command.command, command.values = name, dict(values)
        command.container = self._playground.current
        if name in NOT_RECORDED:
            command.text = ""

    def typed(self) -> None:
        """Keep that the line of the command has read keys."""
        self._command.was_typed_to = True

    def came(self, outcome: Outcome) -> None:
        """Keep the exit status of a line that the command ran."""
        self._host_output.flush()
        if isinstance(outcome, Status):
            self._command.status, self._command.output = outcome.status, self._command.printed

    def ended(self, status: int) -> None:
        """Write the command as a step."""
        self._host_output.flush()
        if self._failure is not None:
            raise self._failure
        command, self._command = self._command, RunningCommand()
        if command.text:
            self._write(command, status)
            if self._scenes:
                self._emit(take_scene(self._playground, self._now, f"play> {command.text}"))

    def noticed(self, sentence: str) -> None:
        """Keep a notice for the next step."""
        self._command.notices += f"{safe(sentence)}\n"
        self._writer.remember(sentence)

    @contextmanager
    def entered(self, container: Container) -> Iterator[Heard]:
        """Write, within the block, the lines that the user types into a live bash.

        The block gets a function; the caller must call it with all typed keys.
        """
        if self._command.container is None:
            self._write_new(container)
        with self._enter_steps.record(container) as record_keys:
            yield record_keys
        self._emit_size(self._size)
        if self._scenes:
            self._emit(take_scene(self._playground, self._now, "enter"))

    # -- steps ---------------------------------------------------------------------------

    def _write(self, command: RunningCommand, status: int) -> None:
        if self._is_in_step(command):
            self._write_in_step(command)
            return
        actor, text, output = Actor.PLAY, command.text, command.printed
        if command.command == "!" and command.status is not None:
            actor, text = Actor.HOST, str(command.values["line"])
            output, status = command.output, command.status
        if output.endswith("shellplay: interrupted\n"):
            self._writer.write_skipped(actor, text, None, "it was interrupted")
            return
        if command.was_typed_to:
            self._writer.write_skipped(actor, text, None, "it reads what is typed")
            return
        is_traced = self._playground.settings.trace and actor is Actor.PLAY
        current = self._playground.current
        performed = self._writer.performed(actor, text, output, status, container=current)
        self._writer.write_step(
            replace(performed, seconds=command.seconds),
            since=command.since,
            eventually=command.command in READ_ONLY,
            anything=command.command in NOT_COMPARED or "--json" in text or is_traced,
        )

    def _write_settings(self) -> None:
        """Write a step for each setting of the session that is not the default."""
        for name in SETTINGS:
            value = shown(self._playground.settings, name)
            if value != shown(Settings(), name):
                self._writer.write_setting(name, value)

    def _is_in_step(self, command: RunningCommand) -> bool:
        """Return whether a command can be written as a step of the actor ``in>``."""
        if command.command != "in" or command.status is None or command.container is None:
            return False
        return "timeout" not in command.values

    def _target(self, command: RunningCommand) -> Container:
        label = command.values.get("container")
        container = self._playground.find(str(label)) if label else command.container
        assert container is not None, "_is_in_step has checked that there is a container"
        return container

    def _write_in_step(self, command: RunningCommand) -> None:
        text, container = str(command.values["line"]), self._target(command)
        is_current = container is command.container
        is_interrupted = command.status == INTERRUPTED and "^C" in command.output
        is_typable = not any(unprintable(char) or char in "\n\t" for char in text)
        if is_interrupted and is_current and is_typable:
            self._writer.write_keys(f"{quote(text)} Enter")
            self._writer.write_keys("C-c")
            self._writer.await_prompt(None)
            return
        name = None if is_current else container.name
        if command.was_typed_to:
            self._writer.write_skipped(Actor.IN, text, name, "it reads what is typed")
            return
        performed = self._writer.performed(
            Actor.IN, text, command.output, command.status or 0, container=container
        )
        self._writer.write_step(
            replace(performed, container=name, seconds=command.seconds), since=command.since
        )

    def _write_new(self, container: Container) -> None:
        """Write the step ``new`` for a container that ``enter`` has made."""
        sentence = self._command.printed.partition("\n")[0]
        performed = self._writer.performed(
            Actor.PLAY, "new", f"{sentence}\n", 0, container=container
        )
        self._writer.write_step(performed, since=self._command.since)

    # -- events for casts ----------------------------------------------------------------

    @property
    def _now(self) -> float:
        return time.monotonic() - self._began

    def _record_text(self, text: str) -> None:
        """Keep printed text for the step, and emit it."""
        self._command.pieces.append(text)
        try:
            self._emit(Output(self._now, text))
        except OSError as error:
            # What the user reads is printed in any case; `ended` raises this.
            self._failure = error

    def _emit_size(self, size: Size) -> None:
        if size != self._sink_size:
            self._sink_size = size
            self._emit(Resized(self._now, *size))

    def _emit_terminal_output(self, piece: bytes, size: Size) -> None:
        self._emit_size(size)
        text = piece.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
        self._emit(Output(self._now, text))

    def _emit_prose(self, text: str) -> None:
        for event in narrate(Prose(text), self._now):
            self._emit(event)

    def _emit(self, event: Event) -> None:
        for sink in self._sinks:
            sink(event)


class _CallbackStream(io.StringIO):
    """A stream that gives all written text to a function."""

    def __init__(self, callback: Callable[[str], None]) -> None:
        super().__init__()
        self._callback = callback

    def write(self, text: str) -> int:
        """Give the text to the function."""
        self._callback(text)
        return len(text)


def header_for(path: Path) -> Header:
    """Return the header for a recording on this machine, in this terminal."""
    default = Header()
    try:
        columns, rows = os.get_terminal_size(1)
    except OSError:
        columns, rows = default.columns, default.rows
    if columns not in COLUMNS or rows not in ROWS:
        columns, rows = default.columns, default.rows
    return Header(
        title=path.name.removesuffix(SUFFIX),
        needs=Needs(all=("root",) if os.geteuid() == 0 else ("ordinary", "userns")),
        total_timeout=TOTAL_SECONDS,
        columns=columns,
        rows=rows,
        environment={"TERM": os.environ.get("TERM") or "dumb"},
    )
