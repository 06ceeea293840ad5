"""Several recipes at the same time, each in a process and a playground of its own."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from multiprocessing.connection import wait

from shellplay.stage.worker.client import Job
from shellplay.stage.worker.process import Done, Task


def perform_all(
    tasks: Iterable[Task], at_once: int = 1
) -> Generator[tuple[int, Done], None, None]:
    """Yield the number of each task and its result, as they end.

    When the iterator is closed, or interrupted, the rest is ended and nothing is left.
    """
    waiting = iter(enumerate(tasks))
    running: dict[int, Job] = {}
    try:
        while True:
            while len(running) < at_once and (following := next(waiting, None)):
                number, task = following
                running[number] = Job(task)
            if not running:
                return
            for number, done in _ended(running):
                running.pop(number).close()
                yield number, done
    finally:
        for job in running.values():
            job.end()
        for job in running.values():
            job.close()


def _ended(running: dict[int, Job]) -> Iterator[tuple[int, Done]]:
    patience = min(job.look_at_clock() for job in running.values())
    ready = wait([job.connection for job in running.values()], patience)
    for number, job in list(running.items()):
        if job.connection in ready and (done := job.hear()) is not None:
            yield number, done
