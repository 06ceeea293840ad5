"""Run a line by the host's sh beside the playground, yet ended with it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from shellplay.kernel.signals import deferred
from shellplay.monitor.client import Monitor

SHELL = "/bin/sh"


def execute(monitor: Monitor, line: str, output: int | None) -> int:
    """Run ``line`` in a session of its own and wait; return its exit status.

    It reads nothing and prints to ``output``, or where we do.  128+n means that signal n
    ended it.  If the waiting is interrupted, the session is killed.
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
