"""What is typed into the live bashes while they are entered, as steps."""

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
from shellplay.stage.record.keystrokes import Eavesdropper, Kept, Line, Size, quoted, size_of
from shellplay.stage.record.step_writer import Scribe

Shown = Callable[[bytes, Size], None]


class Visits:
    """One eavesdropper for each container that was entered, and what it hears as steps.

    ``shown`` is told what appears on the terminal, and the size of that; ``size`` is the
    one that every terminal begins with.
    """

    def __init__(
        self, playground: Playground, scribe: Scribe, shown: Shown, size: Size
    ) -> None:
        self._playground = playground
        self._scribe = scribe
        self._shown = shown
        self._size = size
        self._ears: dict[str, Eavesdropper] = {}
        # What the recipe has made of the size of a terminal.
        self._sizes: dict[str, Size] = {}

    @contextmanager
    def of(self, container: Container) -> Iterator[Heard]:
        """Write down, in the block, what is typed into the bash of a container."""
        ear = self._ears.get(container.id)
        if ear is None:
            ear = Eavesdropper(container, lambda line: self._ended(container, line))
            self._ears[container.id] = ear
        self.catch_up(container)
        terminal = container.terminal

        def see(piece: object) -> None:
            if isinstance(piece, bytes):
                self._shown(piece, size_of(terminal))

        with terminal.watched(ear), terminal.watched(see):
            yield ear.heard
        ear.settle()
        if container.state is ShellState.DEAD:
            ear.end()
            return
        if ear.line is not None and ear.is_running:
            self._left_alone(container, ear.line)
        if size_of(terminal) != self._size:
            # Whatever window it was entered from, a recipe has one size.
            terminal.resize(*self._size)
        self._fit(container)

    def catch_up(self, container: Container | None) -> None:
        """Write what has ended while nobody was there to hear it, if something has."""
        ear = self._ears.get(container.id) if container else None
        if container is None or ear is None or ear.line is None:
            return
        if ear.is_running and container.state is not ShellState.BUSY:
            kept = ear.line.kept
            ear.forget()
            if kept is Kept.KEYS:
                self._scribe.await_prompt(self._name(container))
            self._fit(container)

    def _fit(self, container: Container) -> None:
        """Write what size the terminal has now, if bash can be told so."""
        if container.state is ShellState.IDLE:
            self._resized(container, size_of(container.terminal))

    def _resized(self, container: Container, size: Size) -> None:
        if size != self._sizes.get(container.id, self._size) and self._is_reachable(container):
            self._sizes[container.id] = size
            self._scribe.resized(self._name(container), *size)

    # -- lines ---------------------------------------------------------------------------

    def _ended(self, container: Container, line: Line) -> None:
        result = line.collector.result
        if line.collector.refused:
            return  # Bash did not take it, and nothing has happened.
        if line.kept is Kept.KEYS and not line.is_unseen:
            self._press(line.keys)
            self._scribe.await_prompt(self._name(container))
        elif not line.is_shown:
            self._scribe.unseen()
        elif line.kept is Kept.SKIPPED:
            return
        elif line.is_unseen:
            self._skip(container, line, "it reads what was typed without echo")
        elif line.typed:
            self._keep_as_keys(container, line)
            if line.kept is Kept.KEYS:
                self._press(line.keys)
                self._scribe.await_prompt(self._name(container))
        elif not self._is_reachable(container):
            self._skip(container, line, "its container has no name")
        else:
            self._resized(container, line.size)
            status = 0 if line.is_last else result.status or 0
            came = self._scribe.came(Actor.IN, line.text, result.output, status, of=container)
            self._scribe.step(
                replace(came, container=self._name(container), seconds=line.seconds),
                since=line.since,
                anything=line.is_muddled or line.is_last,
            )

    def _left_alone(self, container: Container, line: Line) -> None:
        """Write down what goes on while nobody is there."""
        if line.kept is Kept.NOTHING and line.is_unseen:
            self._skip(container, line, "it reads what was typed without echo")
        elif line.kept is Kept.NOTHING:
            self._keep_as_keys(container, line)
        if line.kept is Kept.KEYS:
            self._press(line.keys)
            line.typed.clear()

    def _keep_as_keys(self, container: Container, line: Line) -> None:
        rows = line.text.split("\n")
        if container is not self._playground.current:
            self._skip(container, line, "keys are for the current container only")
        elif any(unprintable(char) or char == "\t" for row in rows for char in row):
            self._skip(container, line, "it has characters that are no text")
        else:
            self._resized(container, line.size)
            self._press([f"{quoted(row)} Enter" if row else "Enter" for row in rows])
            line.kept = Kept.KEYS

    def _skip(self, container: Container, line: Line, reason: str) -> None:
        self._scribe.skipped(Actor.IN, line.text, self._name(container), reason)
        line.kept = Kept.SKIPPED

    def _press(self, rows: list[str]) -> None:
        for row in rows:
            self._scribe.keys(row)

    def _is_reachable(self, container: Container) -> bool:
        return container is self._playground.current or container.name is not None

    def _name(self, container: Container) -> str | None:
        return None if container is self._playground.current else container.name
