"""The front end for lines of the command line, a file or a pipe: it has no prompt."""

import sys
from collections.abc import Iterable, Iterator

from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.errors import UsageError


class Batch:
    """The front end without a prompt."""

    asks = False
    draws: bool | None = None

    def __init__(self, printer: Printer) -> None:
        self.printer = printer
        self.terminal = sys.stdin.isatty() and sys.stdout.isatty()

    def confirm(self, question: str) -> bool:
        """Return False: a script is asked nothing."""
        return False

    @property
    def input(self) -> int | None:
        """Our stdin, as no lines are read from there; None if it is not a file."""
        try:
            return sys.stdin.fileno()
        except OSError:
            return None

    def stream(self, text: str) -> None:
        """Print output of a container as it arrives."""
        self.printer.stream(text)

    def draw(self, text: str) -> None:
        """Print it as other output: a script has no keyboard."""
        self.printer.stream(text)

    def typed_ahead(self) -> bytes:
        """Return no keys: typed ones are still in the input queue of the terminal."""
        return b""

    def give_back(self, keys: bytes) -> None:
        """Drop keys: without a prompt nothing reads them."""

    def next_line(self) -> str | None:
        """Return None: a line of a script is complete."""


def run_lines(
    interpreter: Interpreter, lines: Iterable[str], name: str, *, keep_going: bool
) -> int:
    """Run the lines of a file; return the status of the first that failed, or 0."""
    failed = 0
    for number, line in enumerate(lines, 1):
        where = f"{name}:{number}: "
        status = interpreter.run(line, where, keep_going=keep_going)
        failed = failed or status
        if interpreter.left or (status and not keep_going):
            break
    return failed


def lines_of(fd: int, name: str) -> Iterator[str]:
    """Yield the lines of a descriptor as they arrive; raises UsageError with its name."""
    from shellplay.repl.line_reader import LineReader

    try:
        yield from iter(LineReader(fd).read, None)
    except OSError as error:
        raise cannot_be_read(name, error) from error


def cannot_be_read(name: str, error: OSError) -> UsageError:
    """Return the error for a file of lines that cannot be opened or read."""
    return UsageError(f"{name} cannot be read: {error.strerror}", "give another FILE")
