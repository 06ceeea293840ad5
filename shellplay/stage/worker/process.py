"""The process of its own in which a recipe is performed, as it sees itself.

It ends in order, with all that was started, when whoever started it has gone or wants it
to end; the playground process ends the rest if it is killed.
"""

from __future__ import annotations

import os
import signal
import threading
import types
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from shellplay.cast.events import Ended
from shellplay.commands.requirements import unmet
from shellplay.errors import ShellplayError
from shellplay.recipe.document import Recipe
from shellplay.stage.perform.cast_sinks import Casting
from shellplay.stage.perform.performance import OnStep, Performance
from shellplay.stage.perform.stage import Stage
from shellplay.stage.record.value_tags import Knowledge
from shellplay.stage.report.report import Report, Verdict, exit_status

ENDING = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Task:
    """What to do: perform a recipe, write casts of it, go on after a step that differs."""

    recipe: Recipe
    casting: Casting = field(default_factory=Casting)
    to_the_end: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: the report, and of each step, by its line, output and exit status.

    ``known`` is what the playground knew after each step, if it was performed to the end.
    """

    report: Report
    outputs: dict[int, tuple[str, int]] = field(default_factory=dict)
    known: dict[int, Knowledge] = field(default_factory=dict)


def performed(task: Task, on_step: OnStep | None = None) -> Done:
    """Perform a recipe here, if this machine has what it needs."""
    recipe = task.recipe
    try:
        if why := unmet(recipe.header):
            return Done(Report(recipe.path, recipe.header.title, Verdict.SKIPPED, why))
        return _performed(task, on_step)
    except ShellplayError as error:
        return Done(Report(recipe.path, recipe.header.title, Verdict.BAD, str(error)))


def _performed(task: Task, on_step: OnStep | None) -> Done:
    recipe, casting = task.recipe, task.casting
    with (
        casting.sinks(recipe.header) as sinks,
        Stage(recipe.header, sinks, scenes=casting.wants_scenes) as stage,
    ):
        performance = Performance(recipe, stage, on_step=on_step, to_the_end=task.to_the_end)
        report = performance.run()
        stage.emit(Ended(stage.now, exit_status([report])))
    return Done(report, performance.outputs, performance.known)


def main(orders: int, results: int) -> None:
    """Take a task from a descriptor, perform it, and tell of it over another."""
    for number in ENDING:
        signal.signal(number, leave)
    for fd in (orders, results):
        os.set_inheritable(fd, False)
    there = Connection(orders, writable=False)
    told = Connection(results, readable=False)
    task: Task = there.recv()
    threading.Thread(target=_end_with, args=(there,), daemon=True).start()
    told.send(performed(task, told.send))


def _end_with(there: Connection) -> None:
    with suppress(EOFError, OSError):
        there.recv()
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    signal.pthread_kill(main_thread, signal.SIGTERM)


def leave(number: int, _frame: types.FrameType | None) -> None:
    """End this process in order, as the handler of a signal."""
    # A second signal must not cut the clean-up short.
    for other in ENDING:
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)
