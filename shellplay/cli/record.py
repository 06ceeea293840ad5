"""``shellplay record``: an ordinary session that is recorded as a recipe."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from shellplay.cli.start import start
from shellplay.stage.perform.cast_sinks import CastFiles

DESCRIPTION = "An ordinary session that writes itself down as a recipe."
EPILOG = """Commands and what is typed into a live bash become steps, with tags where shellplay
knows what a value is; a line that begins with # becomes prose.  The file is whole after
every step.  What is typed without echo is never written down.  Lines come from -c, from
standard input if that is a pipe, or are typed at the prompt; no configuration file is read,
as in `shellplay test`, and the exit status is that of an ordinary session."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of ``shellplay record``."""
    found = argparse.ArgumentParser("shellplay record", description=DESCRIPTION, epilog=EPILOG)
    add = found.add_argument
    add("file", metavar="FILE", help="what to write: NAME.play.md, or NAME for short")
    add("-f", "--force", action="store_true", help="replace a file that is there")
    add("-c", action="append", metavar="LINE", help="run 'LINE; LINE' (again for more lines)")
    add("-k", "--keep-going", action="store_true", help="go on after a failed command")
    add("--plain", action="store_true", help="no line editor and no escapes")
    add("--cast", metavar="FILE", help="write an asciicast of the session too")
    add(
        "--cast-version",
        type=int,
        choices=(2, 3),
        default=3,
        help="of the cast; 3 if not given",
    )
    add("--html", metavar="FILE", help="write a page that plays the session")
    add("--svg", metavar="FILE", help="write a picture of it")
    return found


def main(arguments: Sequence[str]) -> int:
    """Run ``shellplay record`` with these arguments; return its exit status."""
    options = parser().parse_args(arguments)
    cast_files = CastFiles(options.cast, options.cast_version, options.html, options.svg)
    return start(
        text=None if options.c is None else "\n".join(options.c),
        file=None,
        keep_going=options.keep_going,
        plain=options.plain,
        json=False,
        config=False,
        record=lambda recorder: recorder.start(
            options.file, force=options.force, cast_files=cast_files
        ),
    )
