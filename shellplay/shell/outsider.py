"""Run a line by the host's sh beside the playground, yet ended with it."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress

from shellplay.kernel.tracee import pidfd
from shellplay.shell.guardian import Guardian

SHELL = "/bin/sh"


def execute(guardian: Guardian, line: str, output: int | None) -> int:
    """Run ``line`` in a session of its own and wait; return its exit status.

    It reads nothing and prints to ``output``, or where we do.  128+n means that signal n
    ended it.  If the waiting is interrupted, the session is killed.
    """
    stub = guardian.stub()
    try:
        stub.setsid()
        streams = (1, 2) if output is None else (output, output)
        for number, ours in enumerate(streams, 1):
            with stub.passed(ours) as theirs:
                stub.dup3(theirs, number)
        with pidfd(stub.pid) as alive:
            stub.execute([SHELL, "-c", line], change={})
            _wait(stub.pid, alive)
    except BaseException:
        stub.quit()
        raise
    status = os.waitstatus_to_exitcode(guardian.status_of(stub.pid))
    return status if status >= 0 else 128 - status


def _wait(pid: int, alive: int) -> None:
    poll = select.poll()
    poll.register(alive, select.POLLIN)
    try:
        poll.poll()
    except KeyboardInterrupt:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        raise
