"""A playground in this process that runs lines, as at the prompt."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

from shellplay.cli.batch import Batch
from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.playground.playground import Playground


class Typist:
    """A call runs one line, and raises RuntimeError with the message of a failure."""

    def __init__(self, playground: Playground) -> None:
        self.playground = playground
        self.out, self.err = io.StringIO(), io.StringIO()
        printer = Printer(self.out, self.err, color=False)
        self.interpreter = Interpreter(playground, printer, Batch(printer))

    def __call__(self, line: str) -> None:
        """Run one line as the prompt does."""
        if self.interpreter.run(line):
            raise RuntimeError(f"{line}: {self.err.getvalue().strip()}")
        for stream in (self.out, self.err):
            stream.seek(0)
            stream.truncate()


@contextmanager
def typed_lines() -> Iterator[Typist]:
    """Give a typist for a playground that ends with the block."""
    with Playground() as playground:
        yield Typist(playground)
