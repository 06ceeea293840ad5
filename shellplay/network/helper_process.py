"""Helper processes of a network: children of the monitor, which kills them at its end."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress

from shellplay.kernel.here import HERE
from shellplay.kernel.host_program import HostProgram
from shellplay.kernel.poll import readable
from shellplay.kernel.stub import Stub
from shellplay.monitor.client import Monitor
from shellplay.shell.shell import ENDING_SECONDS


class HelperProcess:
    """A running program in a session of its own, started from a stub; it is held by a pidfd."""

    def __init__(
        self,
        stub: Stub,
        argv: Sequence[str],
        program: HostProgram,
        *,
        change: Mapping[str, str] | None = None,
        keep: Sequence[int] = (),
    ) -> None:
        self.pid = stub.pid
        self._pidfd = HERE.pidfd_open(stub.pid)
        try:
            stub.setsid()
            stub.execute(argv, program=program, change=change or {}, keep=keep)
        except BaseException:
            stub.quit()
            os.close(self._pidfd)
            raise

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return readable(self._pidfd, 0)

    def end(self) -> None:
        """Kill the process, and wait until the kernel has closed its descriptors."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        readable(self._pidfd, ENDING_SECONDS)
        os.close(self._pidfd)


def stub_with_output(monitor: Monitor, output: int) -> Stub:
    """Return a stub whose standard output and standard error are the descriptor ``output``."""
    stub = monitor.stub()
    try:
        for number in (1, 2):
            with stub.passed(output) as fd:
                stub.dup3(fd, number)
    except BaseException:
        stub.quit()
        raise
    return stub
