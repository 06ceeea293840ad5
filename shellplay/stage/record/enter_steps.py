"""Write the lines that the user types into entered bashes as steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from shellplay.cmdline.observer import Heard
from shellplay.container.container import Container
from shellplay.model import ShellState
from shellplay.playground.playground import Playground
from shellplay.recipe.document import Actor
from shellplay.shell.run_line import unprintable
from shellplay.stage.record.keystrokes import (
    KeystrokeRecorder,
    Line,
    Size,
    Written,
    quote,
    size_of,
)
from shellplay.stage.record.step_writer import StepWriter

OnOutput = Callable[[bytes, Size], None]


class EnterSteps:
    """Records each entered bash with a `KeystrokeRecorder`, and writes its lines as steps.

    ``on_output`` gets the output of an entered terminal, and the size of this terminal.
    ``size`` is the size that each terminal has at first, in columns and rows.
    """

    def __init__(
        self, playground: Playground, writer: StepWriter, on_output: OnOutput, size: Size
    ) -> None:
        self._playground = playground
        self._writer = writer
        self._on_output = on_output
        self._size = size
        self._recorders: dict[str, KeystrokeRecorder] = {}
        # The size that the recipe gives to the terminal of a container.
        self._sizes: dict[str, Size] = {}

    @contextmanager
    def record(self, container: Container) -> Iterator[Heard]:
        """Write, within the block, the lines typed into the bash of a container.

        The block gets a function; the caller must call it with all typed keys.
        """
        recorder = self._recorders.get(container.id)
        if recorder is None:
            recorder = KeystrokeRecorder(container, lambda line: self._write(container, line))
            self._recorders[container.id] = recorder
        self.catch_up(container)
        terminal = container.terminal

        def pass_on(piece: object) -> None:
            if isinstance(piece, bytes):
                self._on_output(piece, size_of(terminal))

        with terminal.watched(recorder), terminal.watched(pass_on):
            yield recorder.record_keys
        recorder.settle()
        if container.state in (ShellState.DEAD, ShellState.ENDED):
            recorder.end_line()
            return
        if recorder.line is not None and recorder.is_running:
            self._write_running(container, recorder.line)
        if size_of(terminal) != self._size:
            # The user's window may have any size; a recipe has one size.
            terminal.resize(*self._size)
        self._write_current_size(container)

    def catch_up(self, container: Container | None) -> None:
        """Write the end of a line that has ended since the user detached from this bash."""
        recorder = self._recorders.get(container.id) if container else None
        if container is None or recorder is None or recorder.line is None:
            return
        if recorder.is_running and container.state is not ShellState.BUSY:
            written = recorder.line.written
            recorder.forget()
            if written is Written.KEYS:
                self._writer.await_prompt(self._name(container))
            self._write_current_size(container)

    def _write_current_size(self, container: Container) -> None:
        """Write the terminal size, if bash is idle and can run stty(1)."""
        if container.state is ShellState.IDLE:
            self._write_size(container, size_of(container.terminal))

    def _write_size(self, container: Container, size: Size) -> None:
        if size != self._sizes.get(container.id, self._size):
            self._sizes[container.id] = size
            self._writer.write_size(self._name(container), *size)

    # -- lines ---------------------------------------------------------------------------

    def _write(self, container: Container, line: Line) -> None:
        """Write a line that has ended."""
        result = line.collector.result
        if line.collector.refused:
            return  # Bash did not accept the line, so nothing has happened.
        if line.written is Written.KEYS and not line.is_unseen:
            self._write_keys(line.keys)
            self._writer.await_prompt(self._name(container))
        elif not line.is_shown:
            self._writer.write_unseen()
        elif line.written is Written.SKIPPED:
            return
        elif line.is_unseen:
            self._skip(container, line, "it reads what was typed without echo")
        elif line.typed:
            self._write_as_keys(container, line)
            if line.written is Written.KEYS:
                self._write_keys(line.keys)
                self._writer.await_prompt(self._name(container))
        else:
            self._write_size(container, line.size)
            status = 0 if line.is_last else result.status or 0
            performed = self._writer.performed(
                Actor.IN, line.text, result.output, status, container=container
            )
            name = self._name(container)
            self._writer.write_step(
                replace(performed, container=name, seconds=line.seconds),
                since=line.since,
                anything=line.has_typeahead or line.is_last,
            )

    def _write_running(self, container: Container, line: Line) -> None:
        """Write a line that still runs when the user detaches."""
        if line.written is Written.NOTHING and line.is_unseen:
            self._skip(container, line, "it reads what was typed without echo")
        elif line.written is Written.NOTHING:
            self._write_as_keys(container, line)
        if line.written is Written.KEYS:
            self._write_keys(line.keys)
            line.typed.clear()

    def _write_as_keys(self, container: Container, line: Line) -> None:
        rows = line.text.split("\n")
        if container is not self._playground.current:
            self._skip(container, line, "keys are for the current container only")
        elif any(unprintable(char) or char == "\t" for row in rows for char in row):
            self._skip(container, line, "it has characters that are not text")
        else:
            self._write_size(container, line.size)
            self._write_keys([f"{quote(row)} Enter" if row else "Enter" for row in rows])
            line.written = Written.KEYS

    def _skip(self, container: Container, line: Line, reason: str) -> None:
        self._writer.write_skipped(Actor.IN, line.text, self._name(container), reason)
        line.written = Written.SKIPPED

    def _write_keys(self, rows: list[str]) -> None:
        for row in rows:
            self._writer.write_keys(row)

    def _name(self, container: Container) -> str | None:
        return None if container is self._playground.current else container.name
