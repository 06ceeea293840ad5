"""Programs beside the containers: children of the playground process, ended with it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import suppress

from shellplay.kernel.here import HERE
from shellplay.kernel.poll import readable
from shellplay.kernel.stub import Stub
from shellplay.monitor.client import Monitor
from shellplay.shell.shell import ENDING_SECONDS


class Beside:
    """One such program, in a session of its own; we hold a pidfd of it."""

    def __init__(self, stub: Stub, argv: Sequence[str], *, keep: Sequence[int] = ()) -> None:
        self.pid = stub.pid
        self._pidfd = HERE.pidfd_open(stub.pid)
        try:
            stub.setsid()
            stub.execute(argv, change={}, keep=keep)
        except BaseException:
            stub.quit()
            os.close(self._pidfd)
            raise

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return readable(self._pidfd, 0)

    def end(self) -> None:
        """End it, and wait until it has let go of everything."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        readable(self._pidfd, ENDING_SECONDS)
        os.close(self._pidfd)


def stub_printing_to(monitor: Monitor, output: int) -> Stub:
    """Return a stub whose standard output and error are a file of ours."""
    stub = monitor.stub()
    try:
        for number in (1, 2):
            with stub.passed(output) as theirs:
                stub.dup3(theirs, number)
    except BaseException:
        stub.quit()
        raise
    return stub
