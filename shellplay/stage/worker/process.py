"""The worker process: it performs one recipe and sends the result to its parent.

It ends on SIGTERM and SIGHUP, and when its parent has ended.  Before that, it ends all
processes that it has started.  If the worker is killed, the monitor of its playground ends
these processes.
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
from shellplay.stage.perform.cast_sinks import CastFiles
from shellplay.stage.perform.performance import OnStep, Performance
from shellplay.stage.perform.stage import Stage
from shellplay.stage.record.value_tags import KnownValues
from shellplay.stage.report.report import Report, Verdict, exit_status

TERMINATION_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Task:
    """A recipe to perform, and the casts of it to write.

    With ``keep_going``, a step that differs does not end the performance.
    """

    recipe: Recipe
    cast_files: CastFiles = field(default_factory=CastFiles)
    keep_going: bool = False


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The report on a task; the dictionaries map the line of each performed step.

    - ``outputs``: its output and its exit status.
    - ``known``: the values known after it; only with ``keep_going``.
    """

    report: Report
    outputs: dict[int, tuple[str, int]] = field(default_factory=dict)
    known: dict[int, KnownValues] = field(default_factory=dict)


def perform_task(task: Task, on_step: OnStep | None = None) -> TaskResult:
    """Perform the recipe of a task in this process, if the machine has what it needs.

    ``on_step`` is called with each step before it is performed.  An error of the recipe
    gives the verdict `Verdict.BAD`; only an interrupt raises.
    """
    recipe = task.recipe
    try:
        if reason := unmet(recipe.header):
            report = Report(recipe.path, recipe.header.title, Verdict.SKIPPED, reason)
            return TaskResult(report)
        return _perform(task, on_step)
    except ShellplayError as error:
        return TaskResult(Report(recipe.path, recipe.header.title, Verdict.BAD, str(error)))


def _perform(task: Task, on_step: OnStep | None) -> TaskResult:
    recipe, cast_files = task.recipe, task.cast_files
    with (
        cast_files.sinks(recipe.header) as sinks,
        Stage(recipe.header, sinks, scenes=cast_files.needs_scenes) as stage,
    ):
        performance = Performance(recipe, stage, on_step=on_step, keep_going=task.keep_going)
        report = performance.run()
        stage.emit(Ended(stage.now, exit_status([report])))
    return TaskResult(report, performance.outputs, performance.known)


def main(task_fd: int, result_fd: int) -> None:
    """Run the worker: receive a task from one descriptor, send its result to the other."""
    for number in TERMINATION_SIGNALS:
        signal.signal(number, exit_on_signal)
    for fd in (task_fd, result_fd):
        os.set_inheritable(fd, False)
    tasks = Connection(task_fd, writable=False)
    results = Connection(result_fd, readable=False)
    task: Task = tasks.recv()
    threading.Thread(target=_end_with_parent, args=(tasks,), daemon=True).start()
    results.send(perform_task(task, results.send))


def _end_with_parent(tasks: Connection) -> None:
    """Wait until the parent closes its end of the pipe or is killed; then end this process."""
    with suppress(EOFError, OSError):
        tasks.recv()
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    signal.pthread_kill(main_thread, signal.SIGTERM)


def exit_on_signal(number: int, _frame: types.FrameType | None) -> None:
    """Handle a signal: raise `SystemExit`, so that all context managers clean up."""
    # Ignore a second signal, which would interrupt the clean-up.
    for each in TERMINATION_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)
