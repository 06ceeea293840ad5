"""The command line of the program: its verbs, and its options without a verb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shellplay import __version__
from shellplay.model import Value

if TYPE_CHECKING:
    from argparse import ArgumentParser

VERBS = {
    "replay": "perform a recipe for somebody who watches",
    "test": "perform recipes and compare what comes",
    "record": "a session that writes itself down as a recipe",
    "bless": "take the output of recipes over into them",
    "run": "a program behind all of Docker's fences",
}
EPILOG = """Lines are read from FILE, from standard input if that is a pipe, or typed at
the prompt.  Exit status: 0 done, 1 a command failed, 2 wrong usage, 124 timed out."""


class Options(Value):
    """The options of a command line without a verb; ``lines`` are the values of -c."""

    lines: tuple[str, ...] = ()
    file: str | None = None
    keep_going: bool = False
    plain: bool = False
    json: bool = False
    config: bool = True


SWITCHES: dict[str, dict[str, Any]] = {
    "-k": {"keep_going": True},
    "--keep-going": {"keep_going": True},
    "--plain": {"plain": True},
    "--json": {"json": True},
    "--no-config": {"config": False},
}


def read(words: Sequence[str]) -> Options:
    """Parse a command line without a verb; SystemExit if it is wrong, or asks for help."""
    options = _read_plain(words) or _parsed(words)
    if options.lines and options.file is not None:
        parser().error("-c and FILE exclude each other")
    return options


def _read_plain(words: Sequence[str]) -> Options | None:
    """Parse options in separate words; return None for another form, which argparse parses.

    The import of argparse takes as long as a sixth of ``shellplay -c fences``.
    """
    found = Options()
    following = iter(words)
    for word in following:
        if word == "-c":
            line = next(following, "-")
            if line.startswith("-"):
                return None
            found = found.changed(lines=(*found.lines, line))
        elif word in SWITCHES:
            found = found.changed(**SWITCHES[word])
        elif found.file is None and (word == "-" or not word.startswith("-")):
            found = found.changed(file=word)
        else:
            return None
    return found


def _parsed(words: Sequence[str]) -> Options:
    given = parser().parse_args(words)
    return Options(
        lines=tuple(given.c or ()),
        file=given.file,
        keep_going=given.keep_going,
        plain=given.plain,
        json=given.json,
        config=not given.no_config,
    )


def parser() -> ArgumentParser:
    """Return the parser of the command line."""
    from argparse import ArgumentParser

    found = ArgumentParser(
        prog="shellplay",
        description="Build a container around one live bash, one fence at a time.",
        epilog=f"{EPILOG}  shellplay VERB does one thing (shellplay VERB --help): "
        + "; ".join(f"{verb}: {summary}" for verb, summary in VERBS.items()),
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
