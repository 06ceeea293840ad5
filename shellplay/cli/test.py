"""``shellplay test``: perform recipes, and compare their output with the expected one."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from shellplay.cli.progress import Progress
from shellplay.cmdline.printer import Printer
from shellplay.errors import RecipeError, Refused, UsageError
from shellplay.stage.name_filter import NameFilter, parse_filter
from shellplay.stage.perform.cast_sinks import CastFiles
from shellplay.stage.recipe_files import Source, find_recipes, read, searchable_names
from shellplay.stage.report import junit, tap, text
from shellplay.stage.report.report import Report, Verdict, exit_status
from shellplay.stage.worker.pool import perform_all
from shellplay.stage.worker.process import Task, TaskResult

DESCRIPTION = "Perform recipes and compare what comes with what they expect."
EPILOG = """Each recipe is performed in a process and a playground of its own, which leave
nothing behind.  Exit status: 0 all is as expected, 1 something differs, 2 a file is no
recipe or the usage is wrong, 80 all were skipped, 124 one timed out, 130 interrupted."""
INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of ``shellplay test``."""
    parser = argparse.ArgumentParser("shellplay test", description=DESCRIPTION, epilog=EPILOG)
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="recipes, and directories with *.play.md")
    add("-k", metavar="EXPR", default="", help="only those whose path, title or tags have it")
    add("-x", action="store_true", help="stop at the first that fails")
    add("-j", metavar="N", type=_count, default=1, help="so many at once; 0: one a processor")
    add("--update", action="store_true", help="take new output over, as bless --yes does")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--tap", action="store_true", help="report in TAP version 14")
    forms.add_argument("--json", action="store_true", help="report in JSON, see docs/json.md")
    add("--junit", metavar="FILE", help="also write a report in JUnit XML")
    add("--cast", metavar="FILE", help="also write an asciicast (of one recipe)")
    add("--cast-version", type=int, choices=(2, 3), default=3, help="its version")
    add("--html", metavar="FILE", help="also write a page that plays it (of one recipe)")
    add("--svg", metavar="FILE", help="also write a picture of its end (of one recipe)")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``shellplay test`` with these arguments; return its exit status."""
    options = parser().parse_args(arguments)
    printer = Printer.standard()
    try:
        return Run(options, printer).run()
    except UsageError as error:
        printer.error(error, "test: ")
        return error.exit_status
    except KeyboardInterrupt:
        printer.note("shellplay: test: interrupted, and everything was ended")
        return INTERRUPTED


class Run:
    """One run over all recipes of the command line."""

    def __init__(self, options: argparse.Namespace, printer: Printer) -> None:
        self.options = options
        self.printer = printer
        self.chosen: NameFilter = parse_filter(options.k) if options.k else lambda _: True
        self.cast_files = CastFiles(
            options.cast, options.cast_version, options.html, options.svg
        )
        self.reports: dict[int, Report] = {}
        self.progress = Progress(printer, 0)

    def run(self) -> int:
        """Perform the recipes and print the report; return the exit status."""
        began = time.monotonic()
        files = find_recipes(self.options.paths)
        sources = dict(self._read(files))
        if not sources and not self.reports:
            raise UsageError(f"no recipe has {self.options.k}", "look at -k")
        if self.cast_files and len(sources) != 1:
            raise UsageError("--cast, --html and --svg want one recipe", "use -k, or name one")
        if not (self.options.x and self.reports):
            self._perform(sources)
        self._conclude(time.monotonic() - began)
        return exit_status(list(self.reports.values()))

    def _read(self, files: Sequence[Path]) -> Iterator[tuple[int, Source]]:
        for number, path in enumerate(files):
            try:
                source = read(path)
            except RecipeError as error:
                if self.chosen(str(path)):
                    sentence = f"{error.message} ({error.fix})" if error.fix else error.message
                    reason = f"column {error.column}: {sentence}"
                    self._take(number, Report(str(path), "", Verdict.BAD, reason, error.line))
                continue
            if self.chosen(" ".join(searchable_names(source.recipe))):
                yield number, source

    def _perform(self, sources: dict[int, Source]) -> None:
        options = self.options
        update = bool(options.update)
        tasks = [
            Task(each.recipe, self.cast_files, keep_going=update) for each in sources.values()
        ]
        numbers = list(sources)
        at_once = options.j or os.cpu_count() or 1
        self.progress = Progress(self.printer, len(tasks))
        paths = [str(each.path) for each in sources.values()]

        def begins(index: int) -> None:
            self.progress.show(index + 1, paths[index])

        with closing(perform_all(tasks, at_once, begins)) as results:
            for index, done in results:
                number = numbers[index]
                report = self._updated(sources[number], done) if update else done.report
                self._take(number, report)
                if options.x and report.failed:
                    return

    def _updated(self, source: Source, done: TaskResult) -> Report:
        from shellplay.cli.bless import accepted, blessed, write

        if done.report.verdict is not Verdict.DIFFERED:
            return done.report
        try:
            write(source.path, blessed(source, done))
        except Refused as error:
            return replace(done.report, reason=f"it is not updated: {error}")
        return accepted(done.report)

    # -- the report ----------------------------------------------------------------------

    def _take(self, number: int, report: Report) -> None:
        self.reports[number] = report
        self.progress.clear()
        if not (self.options.tap or self.options.json):
            self.printer.show(text.line(report, color=self.printer.color))

    def _conclude(self, seconds: float) -> None:
        reports = [report for _, report in sorted(self.reports.items())]
        if self.options.junit:
            _write(self.options.junit, junit.document(reports))
        if self.options.tap:
            self.printer.show(tap.document(reports))
        elif self.options.json:
            from shellplay.views.json import document

            self.printer.show(document("test", {"recipes": reports, "seconds": seconds}))
        else:
            self._explain(reports, seconds)

    def _explain(self, reports: Sequence[Report], seconds: float) -> None:
        for report in reports:
            if report.failed:
                self.printer.show("\n" + text.explain(report, color=self.printer.color))
        self.printer.show("\n" + text.summary(reports, seconds))


def _count(word: str) -> int:
    number = int(word)
    if number < 0:
        raise ValueError
    return number


def _write(path: str, content: bytes) -> None:
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
