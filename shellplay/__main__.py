"""The program: reads the command line, chooses a front end and runs it in a playground."""

import argparse
import importlib
import os
import sys

from shellplay import __version__

VERBS = {
    "replay": ("shellplay.cli.replay", "perform a recipe for somebody who watches"),
    "test": ("shellplay.cli.test", "perform recipes and compare what comes"),
    "record": ("shellplay.cli.record", "a session that writes itself down as a recipe"),
    "bless": ("shellplay.cli.bless", "take the output of recipes over into them"),
    "run": ("shellplay.cli.run", "a program behind all of Docker's fences"),
}
RECIPE = ".play.md"
EPILOG = """Lines are read from FILE, from standard input if that is a pipe, or typed at
the prompt.  Exit status: 0 done, 1 a command failed, 2 wrong usage, 124 timed out."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    found = argparse.ArgumentParser(
        prog="shellplay",
        description="Build a container around one live bash, one fence at a time.",
        epilog=f"{EPILOG}  shellplay VERB does one thing (shellplay VERB --help): "
        + "; ".join(f"{verb}: {summary}" for verb, (_, summary) in VERBS.items()),
    )
    add = found.add_argument
    add("file", nargs="?", metavar="FILE", help="run the lines of a file; - is standard input")
    add("-c", action="append", metavar="LINE", help="run 'LINE; LINE' (again for more lines)")
    add("-k", "--keep-going", action="store_true", help="go on after a failed command")
    add("--plain", action="store_true", help="no line editor and no escapes")
    add("--json", action="store_true", help="show as JSON what has a JSON shape")
    add("--no-config", action="store_true", help="do not read the configuration file")
    add("--version", action="version", version=f"shellplay {__version__}")
    return found


def main() -> int:
    """Run the program and return its exit status."""
    _open_closed_streams()
    try:
        return _run_verb(sys.argv[1:]) if _is_verb(sys.argv[1:]) else _run_lines()
    except BrokenPipeError:
        # Who read our output has gone; nothing more can be said, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        # Before anything was there that could have been told of it.
        return 130


def _is_verb(words: list[str]) -> bool:
    return bool(words) and (words[0] in VERBS or words[0].endswith(RECIPE))


def _run_verb(words: list[str]) -> int:
    """Run the verb that these words begin with; a recipe is a verb of its own.

    It is for somebody who watches if there is a terminal, and compared if there is none.
    """
    from shellplay.repl.signals import exit_on_signals

    exit_on_signals()
    if words[0] in VERBS:
        verb, rest = words[0], words[1:]
    else:
        watched = sys.stdin.isatty() and sys.stdout.isatty()
        verb, rest = "replay" if watched else "test", words
    module, _ = VERBS[verb]
    status: int = importlib.import_module(module).main(rest)
    return status


def _run_lines() -> int:
    arguments = parser().parse_args()
    if arguments.c is not None and arguments.file is not None:
        parser().error("-c and FILE exclude each other")
    from shellplay.cli.start import start

    return start(
        text=None if arguments.c is None else "\n".join(arguments.c),
        file=arguments.file,
        keep_going=arguments.keep_going,
        plain=arguments.plain,
        json=arguments.json,
        config=not arguments.no_config,
    )


def _open_closed_streams() -> None:
    # A standard stream that is closed would be the number of the next file that is opened,
    # and what is said to the user would end there.
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, number)
            if null != number:
                os.close(null)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w"))


if __name__ == "__main__":
    sys.exit(main())
