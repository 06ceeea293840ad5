"""The plain line loop for dumb terminals and pipes: no line editor, no escape sequences."""

import os
import sys

from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.repl.interrupts import INTERRUPTED, Interrupts
from shellplay.repl.line_reader import LineReader
from shellplay.repl.osc133 import Marks, marks_key
from shellplay.repl.prompt_text import prompt_text
from shellplay.repl.question import confirm
from shellplay.repl.typeahead import read_typeahead


class PlainFrontEnd:
    """The front end that reads lines and prints text without escape sequences."""

    def __init__(self, printer: Printer) -> None:
        self.printer = printer
        self.reader = LineReader(sys.stdin.fileno())
        self.terminal = sys.stdin.isatty() and sys.stdout.isatty()
        self.asks = self.terminal and marks_key() is None
        self.input = sys.stdin.fileno() if self.terminal else None
        self.draws = False if self.terminal else None

    def confirm(self, question: str) -> bool:
        """Ask the user a yes-or-no question; what was typed before is not an answer."""
        typed = self.typed_ahead()
        try:
            return confirm(self.reader.fd, self.printer, question)
        finally:
            self.give_back(typed)

    def stream(self, text: str) -> None:
        """Print output of a container as it arrives."""
        self.printer.stream(text)

    def draw(self, text: str) -> None:
        """Print it as other output: no program moves the cursor here."""
        self.printer.stream(text)

    def typed_ahead(self) -> bytes:
        """Return and forget the lines that have not run, and the keys behind them."""
        return self.reader.take() + read_typeahead(self.reader.fd)

    def give_back(self, keys: bytes) -> None:
        """Put keys before the unread input of the prompt."""
        self.reader.give_back(keys)

    def next_line(self) -> str | None:
        """Return None: the lines may come from a program, which knows of no other prompt."""

    def loop(self, interpreter: Interpreter, marks: Marks) -> int:
        """Prompt for lines and run them until the end of the input; return 0."""
        interrupts = Interrupts()
        with interrupts.handled():
            while not interpreter.left:
                self._take_line(interpreter, marks, interrupts)
        return 0

    def _take_line(
        self, interpreter: Interpreter, marks: Marks, interrupts: Interrupts
    ) -> None:
        interrupts.forget()
        interpreter.tell()
        marks.prompt()
        self.printer.write(prompt_text(marks.number, interpreter.playground))
        marks.ready()
        lines: list[str | None] = []

        def read() -> int:
            lines.append(self.reader.read())
            return 0

        if interrupts.run(read) != 0:
            self.printer.show("^C" if os.isatty(self.reader.fd) else "")
            marks.done(INTERRUPTED)
            return
        (line,) = lines
        if line is None:
            self.printer.write("\n")
        marks.output()
        text = "quit" if line is None else line
        marks.done(interrupts.run(lambda: interpreter.run(text)))
