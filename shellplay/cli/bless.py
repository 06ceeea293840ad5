"""``shellplay bless``: write output into recipes; patterns that match stay."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from shellplay.cmdline.printer import Printer
from shellplay.errors import RecipeError, Refused, ShellplayError, UsageError
from shellplay.recipe import bless as recipe_bless
from shellplay.recipe.output import lines
from shellplay.stage.recipe_files import Source, find_recipes, read
from shellplay.stage.record.value_tags import KnownValues, tag_values
from shellplay.stage.report.report import Report, Verdict, exit_status
from shellplay.stage.report.text import location
from shellplay.stage.worker.pool import perform_all
from shellplay.stage.worker.process import Task, TaskResult

DESCRIPTION = "Perform recipes, and take the output over where it differs."
EPILOG = """Lines that still match stay as they are, with their patterns; new lines get tags
where shellplay knows what a value is.  Nothing is written before you have seen what would
change and have said yes; nor after a step that timed out.  Exit status: 0 done, or nothing
to do; 1 you said no; 2 a file is not a recipe; 80 all were skipped; 124 one timed out."""
INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of ``shellplay bless``."""
    parser = argparse.ArgumentParser("shellplay bless", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("files", nargs="+", metavar="FILE", help="recipes, or directories")
    parser.add_argument("--yes", action="store_true", help="write without asking")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``shellplay bless`` with these arguments; return its exit status."""
    options = parser().parse_args(arguments)
    printer = Printer.standard()
    try:
        reports = [
            _blessed(path, printer, yes=options.yes) for path in find_recipes(options.files)
        ]
    except UsageError as error:
        printer.error(error, "bless: ")
        return error.exit_status
    except KeyboardInterrupt:
        printer.note("shellplay: bless: interrupted, and everything was ended")
        return INTERRUPTED
    return exit_status(reports)


def _blessed(path: Path, printer: Printer, *, yes: bool) -> Report:
    try:
        return bless(read(path), printer, yes=yes)
    except ShellplayError as error:
        printer.error(error)
        bad = isinstance(error, RecipeError)
        return Report(str(path), "", Verdict.BAD if bad else Verdict.DIFFERED, str(error))


def bless(source: Source, printer: Printer, *, yes: bool) -> Report:
    """Perform one recipe, and write its new text if the user agrees."""
    with closing(perform_all([Task(source.recipe, keep_going=True)])) as results:
        ((_, done),) = results
    report = done.report
    if report.verdict in (Verdict.TIMED_OUT, Verdict.SKIPPED):
        printer.note(
            f"{location(report)}: {report.verdict}, so it stays as it is: {report.reason}"
        )
        return report
    if report.verdict is Verdict.BAD:
        printer.note(f"{location(report)}: performed up to here: {report.reason}")
        if not done.outputs:
            return report
    new = blessed(source, done)
    if new == source.text:
        printer.show(f"{source.path}: nothing has changed")
        return report
    printer.show("\n".join(changes(source, new)))
    if not yes and not _wanted(source.path):
        return report
    write(source.path, new)
    printer.show(f"{source.path}: written")
    return accepted(report)


def blessed(source: Source, done: TaskResult) -> str:
    """Return the text of a recipe with the output of its performance."""
    # A value is looked up in the facts after the step that first printed it.
    known: dict[str, KnownValues] = {}
    for number, (output, _) in done.outputs.items():
        for each in lines(output):
            known.setdefault(each, done.known.get(number, KnownValues()))

    def tag(line: str) -> str:
        return tag_values(line, known.get(line, KnownValues()))

    return recipe_bless.bless(source.text, source.recipe, done.outputs, tag)


def changes(source: Source, new: str) -> Iterator[str]:
    """Yield the changes of the file as a unified diff."""
    path = str(source.path)
    before, after = source.text.splitlines(), new.splitlines()
    return difflib.unified_diff(before, after, path, path, "as it is", "blessed", lineterm="")


def write(path: Path, text: str) -> None:
    """Replace the text of a file, whole or not at all; raises Refused."""
    try:
        # Next to the file, also if ``path`` is a link: rename(2) crosses no file system.
        place = path.resolve(strict=True)
        fd, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
        new = Path(name)
        try:
            with os.fdopen(fd, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            new.chmod(place.stat().st_mode & 0o7777)
            new.replace(place)
        except BaseException:
            with suppress(FileNotFoundError):
                new.unlink()
            raise
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from error


def _wanted(path: Path) -> bool:
    if not sys.stdin.isatty():
        raise Refused(f"{path}: nobody is there to be asked", "use --yes")
    sys.stdout.write(f"write {path}? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def accepted(report: Report) -> Report:
    """Return a report as passed if its recipe differed and is written now."""
    if report.verdict is not Verdict.DIFFERED:
        return report
    return replace(report, verdict=Verdict.PASSED, reason="blessed", line=0)
