"""A process of its own in which a recipe is performed, seen from whoever wants that.

It is told what to do, and tells what it does, over two pipes, as pickled values; see
alone.py for its side.  Nothing of it is left, whoever is killed.
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
from shellplay.stage.worker.process import Done, Task

PACKAGE_ROOT = str(Path(__file__).parents[3])
PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from shellplay.stage.worker.process import main; main(int(sys.argv[2]), int(sys.argv[3]))"
)
# How much longer than its own time a recipe may take before it is ended from outside.
GRACE_SECONDS = 10.0
ENDING_SECONDS = 5.0
LAST_WORDS = 2000


class Job:
    """A running process that performs a recipe."""

    def __init__(self, task: Task) -> None:
        self.task = task
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        orders, ends = os.pipe2(os.O_CLOEXEC)
        self._words: IO[bytes] = os.fdopen(os.memfd_create("words", os.MFD_CLOEXEC), "w+b")
        self._began = time.monotonic()
        self._killed = False
        self._step: Step | None = None
        self._done: Done | None = None
        self.connection = Connection(ours, writable=False)
        # While this end is open it goes on.
        self._orders = Connection(ends, readable=False)
        # A session of its own: the terminal's ^C is for us, and we tell it to end.
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, PACKAGE_ROOT, str(orders), str(theirs)],
            stdin=subprocess.DEVNULL,
            stdout=self._words,
            stderr=self._words,
            pass_fds=(orders, theirs),
            start_new_session=True,
        )
        os.close(theirs)
        os.close(orders)
        with suppress(BrokenPipeError):
            # It has ended already; what it said will tell why.
            self._orders.send(task)

    @property
    def pid(self) -> int:
        """The PID of the process."""
        return self._process.pid

    def hear(self) -> Done | None:
        """Take what it has to say; return the result when it has ended."""
        try:
            said = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return self._ended()
        if isinstance(said, Step):
            self._step = said
        else:
            self._done = said
        return None

    def look_at_clock(self) -> float:
        """End it if its time is up; return the seconds until that is so."""
        over = time.monotonic() - self._began - self.task.recipe.header.total_timeout
        if over > GRACE_SECONDS + ENDING_SECONDS:
            self._process.kill()
        elif over > GRACE_SECONDS and not self._killed:
            self.end()
        return max(0.05, GRACE_SECONDS - over)

    def end(self) -> None:
        """Tell it to end everything, and itself."""
        self._killed = True
        self._process.terminate()

    def close(self) -> Done | None:
        """End it, however it is, and wait; return its result if it has one."""
        if self._process.poll() is None:
            self.end()
            try:
                self._process.wait(ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self.connection.close()
        self._orders.close()
        self._words.close()
        return self._done

    def _ended(self) -> Done:
        status = self._process.wait()
        recipe = self.task.recipe
        seconds = time.monotonic() - self._began
        if self._done is not None:
            return self._done
        line = self._step.line if self._step else 0
        report = Report(recipe.path, recipe.header.title, Verdict.TIMED_OUT, "", line, seconds)
        if self._killed:
            reason = "it could not be interrupted, so all of it was ended"
            return Done(replace(report, reason=reason))
        self._words.seek(0)
        said = self._words.read().decode("utf-8", "backslashreplace")[-LAST_WORDS:].strip()
        reason = f"its process has ended, with status {status}: {said or 'it said nothing'}"
        return Done(replace(report, verdict=Verdict.BAD, reason=reason))
