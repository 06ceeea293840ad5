"""Start a worker process that performs one recipe, and receive its result.

Two pipes connect the worker with this process; both carry pickled values.  The worker gets
a `Task`, and sends each `Step` before it performs it and a `TaskResult` at the end.  For
the worker's side see process.py.  If either process is killed, the worker and all that it
has started end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

from shellplay.recipe.document import Step
from shellplay.stage.report.report import Report, Verdict
from shellplay.stage.worker.process import Task, TaskResult

PACKAGE_ROOT = str(Path(__file__).parents[3])
PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from shellplay.stage.worker.process import main; main(int(sys.argv[2]), int(sys.argv[3]))"
)
# A worker interrupts its own recipe when the time of the recipe is over. If the worker runs
# GRACE_SECONDS longer, this process sends SIGTERM, and ENDING_SECONDS later SIGKILL.
GRACE_SECONDS = 10.0
ENDING_SECONDS = 5.0
LOG_END = 2000


class Worker:
    """A running worker process; it performs the recipe of one task.

    ``connection`` is ready to read when `receive` has something to receive.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        results, worker_results = os.pipe2(os.O_CLOEXEC)
        worker_task, task_end = os.pipe2(os.O_CLOEXEC)
        self._log: IO[bytes] = os.fdopen(os.memfd_create("worker-log", os.MFD_CLOEXEC), "w+b")
        self._began = time.monotonic()
        self._terminated = False
        self._step: Step | None = None
        self._result: TaskResult | None = None
        self.connection = Connection(results, writable=False)
        # The worker reads this pipe and ends at its EOF. So it also ends if this process
        # is killed.
        self._task_pipe = Connection(task_end, readable=False)
        # In a session of its own, the worker gets no ^C of the terminal: SIGINT is for
        # this process, which then terminates the worker.
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                PROGRAM,
                PACKAGE_ROOT,
                str(worker_task),
                str(worker_results),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=(worker_task, worker_results),
            start_new_session=True,
        )
        os.close(worker_results)
        os.close(worker_task)
        with suppress(BrokenPipeError):
            # The worker has ended already; `_final_result` reports its last output.
            self._task_pipe.send(task)

    @property
    def pid(self) -> int:
        """The PID of the worker."""
        return self._process.pid

    def receive(self) -> TaskResult | None:
        """Receive one message of the worker; return the result when the worker has ended."""
        try:
            message = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return self._final_result()
        if isinstance(message, Step):
            self._step = message
        else:
            self._result = message
        return None

    def check_time(self) -> float:
        """End the worker if its time is over; return the seconds until the next check."""
        over = time.monotonic() - self._began - self.task.recipe.header.total_timeout
        if over > GRACE_SECONDS + ENDING_SECONDS:
            self._process.kill()
        elif over > GRACE_SECONDS and not self._terminated:
            self.terminate()
        return max(0.05, GRACE_SECONDS - over)

    def terminate(self) -> None:
        """Send SIGTERM: the worker ends all that it has started, then itself."""
        self._terminated = True
        self._process.terminate()

    def close(self) -> TaskResult | None:
        """End the worker if it runs and wait for it; return its result, or None."""
        if self._process.poll() is None:
            self.terminate()
            try:
                self._process.wait(ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self.connection.close()
        self._task_pipe.close()
        self._log.close()
        return self._result

    def _final_result(self) -> TaskResult:
        """Return the result of a worker that has ended, also of one that sent no result."""
        status = self._process.wait()
        recipe = self.task.recipe
        seconds = time.monotonic() - self._began
        if self._result is not None:
            return self._result
        line = self._step.line if self._step else 0
        report = Report(recipe.path, recipe.header.title, Verdict.TIMED_OUT, "", line, seconds)
        if self._terminated:
            reason = "it could not be interrupted, so all of it was ended"
            return TaskResult(replace(report, reason=reason))
        self._log.seek(0)
        log = self._log.read().decode("utf-8", "backslashreplace")[-LOG_END:].strip()
        reason = f"its process has ended, with status {status}: {log or 'it said nothing'}"
        return TaskResult(replace(report, verdict=Verdict.BAD, reason=reason))
