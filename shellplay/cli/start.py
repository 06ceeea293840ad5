"""Start a session: choose the front end, and run it in a playground that ends with it."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shellplay.cli.batch import Batch, cannot_be_read, lines_of, run_lines
from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.errors import ShellplayError, UsageError
from shellplay.playground.playground import Playground
from shellplay.repl.config import ConfigUnreachable, config_path, read_settings
from shellplay.repl.recorder import Recorder
from shellplay.repl.signals import exit_on_signals, ignore_keys
from shellplay.repl.term_type import container_term
from shellplay.settings import Settings, Surroundings


def start(
    *,
    text: str | None,
    file: str | None,
    keep_going: bool,
    plain: bool,
    json: bool,
    quiet: bool = False,
    config: bool,
    record: Callable[[Recorder], str] | None = None,
) -> int:
    """Run lines from ``text``, ``file``, a pipe or the user; return the exit status.

    A standard input that is not a terminal is read as a file, unless ``plain`` is set.
    ``record`` begins a recording before the first line, and returns a sentence about it.
    """
    exit_on_signals()
    printer = Printer.standard()
    plain = plain or os.environ.get("SHELLPLAY_PLAIN") == "1"
    printer.redraws = printer.redraws and not plain
    printer.quiet, printer.json = quiet, json
    if text is None and file is None and not plain and not sys.stdin.isatty():
        file = "-"
    try:
        settings = _configured(printer) if config else Settings()
        settings.surroundings = Surroundings(term=container_term())
        lines = None if file is None else lines_of(_opened(file), file)
    except ShellplayError as error:
        printer.error(error)
        return error.exit_status
    with Playground(settings) as playground, _recording(playground, printer) as recorder:
        try:
            if record is not None:
                printer.note(record(recorder))
        except ShellplayError as error:
            printer.error(error)
            return error.exit_status
        if text is None and lines is None:
            return _interact(recorder, playground, printer, plain=plain, json=json)
        interpreter = Interpreter(
            playground,
            printer,
            Batch(printer),
            json=json,
            apart=not sys.stdout.isatty(),
            recording=recorder,
        )
        if lines is None:
            return interpreter.run(text or "", keep_going=keep_going)
        try:
            return run_lines(interpreter, lines, file or "-", keep_going=keep_going)
        except UsageError as error:
            # open(2) of a directory succeeds, and read(2) fails.
            printer.error(error)
            return error.exit_status


def _configured(printer: Printer) -> Settings:
    path = config_path()
    try:
        return read_settings(path)
    except ConfigUnreachable as error:
        # The session goes on with the default settings if the home cannot be entered.
        printer.note(f"shellplay: {error}")
        return Settings()


@contextmanager
def _recording(playground: Playground, printer: Printer) -> Iterator[Recorder]:
    recorder = Recorder(playground, printer)
    try:
        yield recorder
    finally:
        if recorder.name:
            printer.note(recorder.stop())


def _interact(
    recorder: Recorder, playground: Playground, printer: Printer, *, plain: bool, json: bool
) -> int:
    from shellplay.repl.osc133 import marks_for
    from shellplay.repl.prompt_text import wants_plain

    ignore_keys()
    if plain or wants_plain() or not sys.stdout.isatty():
        from shellplay.repl.plain_loop import PlainFrontEnd

        loop = PlainFrontEnd(printer)
        interpreter = Interpreter(playground, printer, loop, json=json, recording=recorder)
        return loop.loop(interpreter, marks_for(sys.stdout, plain=True))
    from shellplay.repl.history import HistoryFile, history_path
    from shellplay.repl.prompt import Prompt
    from shellplay.repl.welcome import welcome

    welcome(printer, playground)
    marks = marks_for(sys.stdout, plain=False)
    prompt = Prompt(printer, playground, marks, HistoryFile(history_path()))
    interpreter = Interpreter(playground, printer, prompt, json=json, recording=recorder)
    return prompt.loop(interpreter)


def _opened(file: str) -> int:
    if file == "-":
        return sys.stdin.fileno()
    try:
        return os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise cannot_be_read(file, error) from error
