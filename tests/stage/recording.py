"""Record sessions in tests: lines in, a recipe out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shellplay.cli.batch import Batch
from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.container.container import Container
from shellplay.playground.playground import Playground
from shellplay.recipe.document import Prose, Recipe, Step
from shellplay.recipe.parse import parse
from shellplay.repl.recorder import Recorder
from shellplay.stage.perform.performance import Performance
from shellplay.stage.perform.stage import Stage
from shellplay.stage.report.report import Report


class Recorded:
    """A session in this process that is recorded."""

    def __init__(self, playground: Playground, path: Path) -> None:
        self.playground = playground
        self.path = path
        self.shown = io.StringIO()
        printer = Printer(self.shown, self.shown, color=False)
        self.recorder = Recorder(playground, printer)
        self.interpreter = Interpreter(
            playground, printer, Batch(printer), recording=self.recorder
        )

    def run(self, *lines: str) -> int:
        """Run lines; return the exit status of the last one."""
        return [self.interpreter.run(line) for line in lines][-1]

    @property
    def container(self) -> Container:
        """The current container."""
        assert self.playground.current is not None
        return self.playground.current

    @property
    def recipe(self) -> Recipe:
        """The recipe that is on disk now."""
        return parse(self.path.read_text("utf-8"), str(self.path))

    @property
    def steps(self) -> list[Step]:
        """The steps of the recipe on disk."""
        return list(self.recipe.steps)

    @property
    def prose(self) -> list[str]:
        """The prose between the steps."""
        return [part.text for part in self.recipe.parts if isinstance(part, Prose)]


@contextmanager
def recording(path: Path) -> Iterator[Recorded]:
    """Record a session to a file, for the block."""
    with Playground() as playground:
        session = Recorded(playground, path)
        session.recorder.start(str(path))
        try:
            yield session
        finally:
            if session.recorder.name:
                session.recorder.stop()


def performed(recipe: Recipe) -> Report:
    """Perform a recipe in this process."""
    with Stage(recipe.header) as stage:
        return Performance(recipe, stage).run()


def expected(step: Step) -> list[str]:
    """Return the lines that a step expects."""
    return [line.text for line in step.expected]
