"""The program: the first word of the command line is a verb, a recipe, or neither."""

import os
import sys
from typing import TextIO

from shellplay.cli.options import VERBS, read
from shellplay.errors import OutputLost

RECIPE = ".play.md"


def main() -> int:
    """Run the program and return its exit status."""
    _open_closed_streams()
    words = sys.argv[1:]
    try:
        try:
            return _run_verb(words) if _is_verb(words) else _run_lines(words)
        finally:
            # At exit it would be too late to tell that it cannot be written.
            sys.stdout.flush()
    except KeyboardInterrupt:
        # Ctrl-C while the program was loading: no front end handles it yet.
        return 130
    except BrokenPipeError as error:
        return _report(OutputLost(error))
    except Exception as error:
        if os.environ.get("SHELLPLAY_DEBUG") == "1":
            raise
        return _report(error)


def _is_verb(words: list[str]) -> bool:
    return bool(words) and (words[0] in VERBS or words[0].endswith(RECIPE))


def _run_verb(words: list[str]) -> int:
    """Run a verb, or perform a recipe: replay it on a terminal, test it without one."""
    from importlib import import_module

    from shellplay.repl.signals import exit_on_signals

    exit_on_signals()
    if words[0] in VERBS:
        verb, rest = words[0], words[1:]
    else:
        watched = sys.stdin.isatty() and sys.stdout.isatty()
        verb, rest = "replay" if watched else "test", words
    status: int = import_module(f"shellplay.cli.{verb}").main(rest)
    return status


def _run_lines(words: list[str]) -> int:
    options = read(words)
    from shellplay.cli.start import start

    text = "\n".join(options.lines) if options.lines else None
    if options.command:
        from shlex import join

        text = join(options.command)
    return start(
        text=text,
        file=options.file,
        keep_going=options.keep_going,
        plain=options.plain,
        json=options.json,
        quiet=options.quiet,
        config=options.config,
    )


def _report(error: Exception) -> int:
    """Print an error that no front end has handled; return the exit status."""
    from shellplay.kernel.shortage import user_error

    try:
        sys.stdout.flush()
    except OSError as lost:
        error = OutputLost(lost)
    told = user_error(error)
    if isinstance(error, OutputLost):
        _discard(sys.stdout)
        if error.is_unread:
            return told.exit_status
    try:
        sys.stderr.write(f"shellplay: {told}\n")
        sys.stderr.flush()
    except OSError:
        # Then the exit status alone tells it.
        _discard(sys.stderr)
    return told.exit_status


def _discard(stream: TextIO) -> None:
    # Python flushes the same text again at exit, and would tell a failure by a traceback.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _open_closed_streams() -> None:
    # open(2) returns the lowest free number: after a closed standard stream the next file would
    # have its number, and get the output for the user.
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, number)
            if null != number:
                os.close(null)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w"))


if __name__ == "__main__":
    sys.exit(main())
