"""Run a command line of the host as a child of the monitor, which ends it at the latest."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from shellplay.kernel.signals import deferred
from shellplay.monitor.client import Monitor

SHELL = "/bin/sh"


def execute(monitor: Monitor, line: str, output: int | None) -> int:
    """Run ``line`` by /bin/sh in a new session and wait; return its exit status.

    Its standard input is empty.  It prints to the descriptor ``output``, with None to our
    standard output and error.  128+n means that signal n ended it.  If the wait is
    interrupted, the session is killed.
    """
    sessions: list[int] = []
    try:
        with deferred():
            sessions.append(_start(monitor, line, output))
        return monitor.exit_status_of(sessions[0])
    except BaseException:
        for session in sessions:
            with suppress(ProcessLookupError):
                os.killpg(session, signal.SIGKILL)
        raise


def _start(monitor: Monitor, line: str, output: int | None) -> int:
    stub = monitor.stub(on_host=True)
    try:
        stub.setsid()
        for number in (1, 2):
            with stub.passed(number if output is None else output) as theirs:
                stub.dup3(theirs, number)
        stub.execute([SHELL, "-c", line], change={})
    except BaseException:
        stub.quit()
        raise
    return stub.pid
