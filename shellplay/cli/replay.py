"""``shellplay replay``: perform a recipe for a viewer, who can take part."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from shellplay.cast.events import Ended, Heading, Output
from shellplay.cast.narration import narrate
from shellplay.cast.pacing import Paced
from shellplay.cli import next_recipe
from shellplay.cmdline.printer import Printer
from shellplay.commands.requirements import unmet
from shellplay.errors import ShellplayError, UsageError
from shellplay.recipe.document import Prose, Recipe
from shellplay.recipe.shipped import Shipped, is_shipped, path_of, shipped_at
from shellplay.stage.perform import consent
from shellplay.stage.perform.capture import Layout, sentence_layout
from shellplay.stage.perform.cast_sinks import CastFiles
from shellplay.stage.perform.performance import Performance
from shellplay.stage.perform.stage import Stage
from shellplay.stage.recipe_files import MAX_BYTES, Source, decode, read
from shellplay.stage.report.report import EXIT_STATUS, StepReport, Verdict
from shellplay.stage.show.handover import hand_over
from shellplay.stage.show.keyboard import Keyboard
from shellplay.stage.show.player import Quit, Show, ShowOptions, StartOver
from shellplay.stage.show.styling import has_links

DESCRIPTION = "Perform a recipe as a demonstration: told, typed, and yours to interrupt."
EPILOG = """While it plays: Space goes on at once, t takes over the live bash and Ctrl-] gives
it back, n and p go to the next and the previous heading, h lists them, o shows the whole of a
folded output, s goes step by step, + and - change the speed, q quits.  What is not as expected
is said, and it goes on.  Without a terminal there are no pauses.  A recipe that does not come
with shellplay shows its commands first, and asks.  Exit status: 0 all was as expected, 1
something was not, or you said no; 2 the file is not a recipe or the usage is wrong, 80 the
machine lacks something, 130 you quit."""
STANDARD_INPUT = "-"
INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of ``shellplay replay``."""
    parser = argparse.ArgumentParser("shellplay replay", description=DESCRIPTION, epilog=EPILOG)
    add = parser.add_argument
    add("recipe", metavar="RECIPE", help="a file, the name of a shipped one, or - (stdin)")
    add("--speed", metavar="N", type=_speed, default=1.0, help="so many times as fast")
    add("--step", action="store_true", help="wait for a key before each step")
    add("--from", metavar="HEADING", dest="heading", help="do what is before it quickly")
    add("--no-type", action="store_true", help="show what is typed at once")
    add("--yes", action="store_true", help="run a recipe of a stranger without asking")
    add("--cast", metavar="FILE", help="also write an asciicast")
    add("--cast-version", type=int, choices=(2, 3), default=3, help="its version")
    add("--html", metavar="FILE", help="also write a page that plays it")
    add("--svg", metavar="FILE", help="also write a picture of its end")
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run ``shellplay replay`` with these arguments; return its exit status."""
    options = parser().parse_args(arguments)
    printer = Printer.standard()
    try:
        while True:
            replay = Replay(options, printer)
            status = replay.run()
            coming = replay.offer_next()
            if coming is None:
                return status
            options.recipe, options.heading = str(coming.path), None
    except ShellplayError as error:
        printer.error(error, "replay: ")
        return error.exit_status
    except (Quit, EOFError):
        return INTERRUPTED
    except KeyboardInterrupt:
        printer.note("\nshellplay: replay: interrupted, and everything was ended")
        return INTERRUPTED


class Replay:
    """One recipe, performed for a viewer."""

    def __init__(self, options: argparse.Namespace, printer: Printer) -> None:
        self.options = options
        self.printer = printer
        self.cast_files = CastFiles(
            options.cast, options.cast_version, options.html, options.svg
        )
        self.show_options = ShowOptions(options.speed, options.step, not options.no_type)
        self.source = _source(options.recipe)
        # The viewer ends the replay: there is no time limit.
        header = replace(self.source.recipe.header, total_timeout=math.inf)
        self.recipe = replace(self.source.recipe, header=header)
        self.headings = headings(self.recipe)
        self.verdicts: set[Verdict] = set()
        self._watched = sys.stdin.isatty() and sys.stdout.isatty()
        self._is_known = options.recipe != STANDARD_INPUT and is_shipped(self.source.path)
        self._ended = False

    def offer_next(self) -> Shipped | None:
        """Offer the next recipe to a viewer who has seen a shipped one; None: not wanted."""
        is_seen = self._is_known and self._watched and self._ended
        seen = shipped_at(self.source.path) if is_seen else None
        if seen is None:
            return None
        next_recipe.complete(seen)
        coming = None if self.cast_files else next_recipe.following(seen)
        return coming if coming and next_recipe.is_wanted(coming, self.printer) else None

    def run(self) -> int:
        """Perform the recipe if the machine and the user allow it; return the exit status."""
        until = self._first()
        if why := unmet(self.recipe.header):
            self.printer.note(f"{self.source.path}: it cannot be performed here: {why}")
            return EXIT_STATUS[Verdict.SKIPPED]
        given = self.options.yes or self._is_known
        consent.require(self.recipe, self.printer, given=given, can_ask=self._watched)
        while True:
            try:
                return self._perform(until)
            except StartOver as again:
                until, self.show_options = again.heading, again.options

    def _first(self) -> int:
        """Return the number of the heading to begin at; 0 is the begin of the recipe."""
        wanted = self.options.heading
        if wanted is None:
            return 0
        for number, title in enumerate(self.headings, 1):
            if wanted.lower() in title.lower() or wanted == str(number):
                return number
        known = "; ".join(self.headings) or "it has none"
        raise UsageError(f"{self.source.path} has no heading {wanted!r}", known)

    def _perform(self, until: int) -> int:
        self.verdicts.clear()
        header = self.recipe.header
        numbers = {step.line: number for number, step in enumerate(self.recipe.steps, 1)}
        with ExitStack() as stack:
            sinks = stack.enter_context(self.cast_files.sinks(header))
            keyboard = (
                stack.enter_context(Keyboard(sys.stdin.fileno())) if self._watched else None
            )
            show = stack.enter_context(
                Show(
                    self.printer,
                    keyboard,
                    self.show_options,
                    headings=self.headings,
                    steps=len(numbers),
                    until=until,
                    forward_only=bool(self.cast_files),
                    links=self._is_known and self._watched and has_links(),
                )
            )
            paced = Paced(show, seed=header.title)
            stage = stack.enter_context(
                Stage(header, [*sinks, paced], scenes=self.cast_files.needs_scenes)
            )
            if keyboard:
                show.take_over = lambda: hand_over(stage, keyboard, self.printer)
            Performance(
                self.recipe,
                stage,
                on_step=lambda step: show.begin_step(numbers[step.line]),
                on_report=lambda report: self._hear(stage, report),
            ).run()
            status = self._status()
            stage.emit(Ended(stage.now, status))
        self._ended = True
        return status

    def _hear(self, stage: Stage, report: StepReport) -> None:
        self.verdicts.add(report.verdict)
        if report.reason and not self._is_for_others(report):
            sentence = f"line {report.line}: {report.reason}"
            stage.emit(Output(stage.now, f"{sentence}\n", _dim(sentence)))

    def _is_for_others(self, report: StepReport) -> bool:
        """Return whether a step was skipped because it needs another machine or user."""
        lines = (step.line for step in self.recipe.steps if step.conditions.only)
        return report.verdict is Verdict.SKIPPED and report.line in lines

    def _status(self) -> int:
        if Verdict.BAD in self.verdicts:
            return EXIT_STATUS[Verdict.BAD]
        if self.verdicts & {Verdict.DIFFERED, Verdict.TIMED_OUT}:
            return EXIT_STATUS[Verdict.DIFFERED]
        return EXIT_STATUS[Verdict.SKIPPED] if self.verdicts == {Verdict.SKIPPED} else 0


def headings(recipe: Recipe) -> list[str]:
    """Return the titles of all headings of an article, in their order."""
    prose = (part for part in recipe.parts if isinstance(part, Prose))
    events = (event for part in prose for event in narrate(part, 0.0))
    return [event.title for event in events if isinstance(event, Heading)]


def _source(word: str) -> Source:
    if word != STANDARD_INPUT:
        return read(path_of(word))
    source = decode(sys.stdin.buffer.read(MAX_BYTES + 1), Path("standard input"))
    if sys.stdout.isatty() and not sys.stdin.isatty():
        _read_keys_from_the_terminal()
    return source


def _read_keys_from_the_terminal() -> None:
    """Replace standard input, which the recipe was read from, by the terminal."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        # Without a controlling terminal the replay asks nothing and has no pauses.
        return
    os.dup2(terminal, sys.stdin.fileno())
    os.close(terminal)


def _dim(sentence: str) -> Layout:
    layout = sentence_layout(sentence)
    return lambda columns: f"\x1b[2m{layout(columns)}\x1b[0m"


def _speed(word: str) -> float:
    speed = float(word)
    if not 0 < speed <= 1000:
        raise ValueError
    return speed
