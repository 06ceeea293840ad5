"""Perform several recipes at the same time, each in its own worker process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from multiprocessing.connection import wait

from shellplay.stage.worker.client import Worker
from shellplay.stage.worker.process import Task, TaskResult


def perform_all(
    tasks: Iterable[Task],
    at_once: int = 1,
    on_start: Callable[[int], None] = lambda _: None,
) -> Generator[tuple[int, TaskResult], None, None]:
    """Yield the index of each task with its result, in the order in which the tasks end.

    ``at_once`` is the largest number of workers; ``on_start`` gets the index of each task that
    begins.  If the caller closes the generator or an
    exception interrupts it, all running workers are ended.
    """
    waiting = iter(enumerate(tasks))
    running: dict[int, Worker] = {}
    try:
        while True:
            while len(running) < at_once and (following := next(waiting, None)):
                number, task = following
                on_start(number)
                running[number] = Worker(task)
            if not running:
                return
            for number, result in _next_results(running):
                running.pop(number).close()
                yield number, result
    finally:
        for worker in running.values():
            worker.terminate()
        for worker in running.values():
            worker.close()


def _next_results(running: dict[int, Worker]) -> Iterator[tuple[int, TaskResult]]:
    timeout = min(worker.check_time() for worker in running.values())
    ready = wait([worker.connection for worker in running.values()], timeout)
    for number, worker in list(running.items()):
        if worker.connection in ready and (result := worker.receive()) is not None:
            yield number, result
