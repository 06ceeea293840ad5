"""A playground of this process that is driven by lines, as at the prompt."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

from shellplay.cli.batch import Batch
from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.playground.playground import Playground


class Typist:
    """Calling it runs one line, and raises RuntimeError with what a failure said."""

    def __init__(self, playground: Playground) -> None:
        self.playground = playground
        self.out, self.err = io.StringIO(), io.StringIO()
        printer = Printer(self.out, self.err, color=False)
        self.interpreter = Interpreter(playground, printer, Batch(printer))

    def __call__(self, line: str) -> None:
        """Run one line as the prompt would."""
        if self.interpreter.run(line):
            raise RuntimeError(f"{line}: {self.err.getvalue().strip()}")
        for stream in (self.out, self.err):
            stream.seek(0)
            stream.truncate()


@contextmanager
def typed_lines() -> Iterator[Typist]:
    """Give a typist at a playground that ends with the block."""
    with Playground() as playground:
        yield Typist(playground)
