"""The command line of the program: its verbs, and its options without a verb."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shellplay import __version__
from shellplay.errors import UsageError
from shellplay.model import Value

if TYPE_CHECKING:
    from argparse import ArgumentParser

VERBS = {
    "tour": "Perform the first recipe: what a container is, in a few minutes.",
    "replay": "Perform a recipe for a viewer, who can take part.",
    "test": "Perform recipes and compare their output with the expected output.",
    "record": "Start a session that is written down as a recipe.",
    "bless": "Write the output of recipes into them, where it differs.",
    "run": "Run a program behind all of Docker's fences.",
}
DESCRIPTION = "Build a container around one live bash, one fence at a time."
USAGE = """shellplay [OPTIONS] [FILE]
       shellplay [OPTIONS] COMMAND [ARGUMENTS]"""
EPILOG = """Lines are read from FILE, from standard input if it is a pipe, or typed at the
prompt.  A word is a command first, then a file: ./FILE is the file.
shellplay COMMAND --help says more; shellplay help lists what the prompt knows.

Exit status: 0 done, 1 a command failed, 2 wrong usage, 124 timed out.
A line that fails inside (in, exec) or on the host (!) gives its own status.

If standard output is not a terminal, notes go to standard error."""
WIDE = 80


class Options(Value):
    """The options of a command line without a verb; ``lines`` are the values of -c.

    ``command`` are the words of a command of the prompt that needs no session.
    """

    lines: tuple[str, ...] = ()
    file: str | None = None
    command: tuple[str, ...] = ()
    keep_going: bool = False
    plain: bool = False
    json: bool = False
    quiet: bool = False
    config: bool = True


SWITCHES: dict[str, dict[str, Any]] = {
    "-k": {"keep_going": True},
    "--keep-going": {"keep_going": True},
    "--plain": {"plain": True},
    "--json": {"json": True},
    "-q": {"quiet": True},
    "--quiet": {"quiet": True},
    "--no-config": {"config": False},
}


def read(words: Sequence[str]) -> Options:
    """Parse a command line without a verb; SystemExit if it is wrong, or asks for help.

    Raises UsageError for a first word that names neither a command nor a file.
    """
    options = _read_plain(words) or _parsed(words)
    if options.lines and (options.file is not None or options.command):
        parser().error("-c excludes FILE and COMMAND")
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
            rest = tuple(following)
            if is_command(word, rest):
                return found.changed(command=(word, *rest))
            if rest:
                return None
            found = found.changed(file=word)
        else:
            return None
    return found


def _parsed(words: Sequence[str]) -> Options:
    given = parser().parse_args(words)
    if given.file is not None and is_command(given.file, ()):
        given.command, given.file = (given.file,), None
    return Options(
        lines=tuple(given.c or ()),
        file=given.file,
        command=given.command,
        keep_going=given.keep_going,
        plain=given.plain,
        json=given.json,
        quiet=given.quiet,
        config=not given.no_config,
    )


def is_command(word: str, rest: Sequence[str]) -> bool:
    """Return whether the first word is a command that needs no session, and not a file.

    Raises UsageError if it is neither: another command, or a word that names nothing.
    """
    from shellplay.cmdline.index import ALIASES, COMMANDS

    command = COMMANDS.get(ALIASES.get(word, word))
    if command is not None and command.alone:
        return True
    if "/" in word or word == "-" or os.path.lexists(word):
        return False
    if command is not None:
        from shlex import join, quote

        line = quote(join((word, *rest)))
        raise UsageError(f"{word} works in a session only", f"shellplay -c {line}")
    from shellplay.nearest import did_you_mean, quoted

    known = [*VERBS, *(name for name, one in COMMANDS.items() if one.alone)]
    fix = did_you_mean(word, known, "see shellplay --help")
    raise UsageError(f"no command or file named {quoted(word)}", fix)


def parser() -> ArgumentParser:
    """Return the parser of the command line."""
    from argparse import ArgumentParser, RawDescriptionHelpFormatter

    found = ArgumentParser(
        prog="shellplay",
        usage=USAGE,
        description=DESCRIPTION,
        epilog=f"{_commands()}\n\n{EPILOG}",
        formatter_class=RawDescriptionHelpFormatter,
    )
    add = found.add_argument
    add("file", nargs="?", metavar="FILE", help="run the lines of a file; - is standard input")
    found.set_defaults(command=())
    add("-c", action="append", metavar="LINE", help="run 'LINE; LINE' (again for more lines)")
    add("-k", "--keep-going", action="store_true", help="go on after a failed command")
    add("--plain", action="store_true", help="no line editor and no escapes")
    add(
        "--json",
        action="store_true",
        help="show documents and errors as JSON, see docs/json.md",
    )
    add("-q", "--quiet", action="store_true", help="no notes; errors and warnings stay")
    add("--no-config", action="store_true", help="do not read the configuration file")
    add("-V", "--version", action="version", version=f"shellplay {__version__}")
    return found


def _commands() -> str:
    """Return the table of what can follow ``shellplay``."""
    from shutil import get_terminal_size

    from shellplay.cmdline.help import columns
    from shellplay.cmdline.index import COMMANDS

    alone = {name: one.summary for name, one in COMMANDS.items() if one.alone}
    rows = [*VERBS.items(), *((name, alone[name]) for name in alone if name not in VERBS)]
    return "\n".join(["commands:", *columns(rows, min(WIDE, get_terminal_size().columns))])
