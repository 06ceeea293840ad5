"""The program that a container was started with: its streams, its end and how it ended."""

from __future__ import annotations

import errno
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from shellplay.container.spec import ProcessSpec
from shellplay.container.stdio import Stdio
from shellplay.container.user import Account
from shellplay.errors import KernelError, Refused, ShellGone
from shellplay.kernel import namespaces
from shellplay.kernel.here import HERE
from shellplay.kernel.poll import readable
from shellplay.kernel.process_tree import kill_quietly, running
from shellplay.kernel.signals import handles
from shellplay.settings import GRACE_SECONDS
from shellplay.shell.pty_reader import PtyReader

if TYPE_CHECKING:
    from shellplay.container.container import Container

MOST_INTERRUPTS = 3
ENDING_SECONDS, MOMENT_SECONDS = 5.0, 0.001

Output = Callable[[int, bytes], None]


class ContainerProcess:
    """A program as the first process of a container.

    ``streams`` are its pipes if it has no terminal.  As long as it ``waits`` nobody else may
    read what it prints: somebody is going to attend it.
    """

    def __init__(self, container: Container, spec: ProcessSpec) -> None:
        self._box = container
        self.spec = spec
        self.streams: Stdio | None = None
        self.who: Account | None = None
        self.environment: Mapping[str, str] = spec.environment
        # A bash is read by who starts it, up to its prompt.
        self.waits = spec.attended and not spec.is_bash
        self._output: Output | None = None
        self._status: int | None = None
        self._mounts: int | None = None

    def connect(self) -> Stdio:
        """Make the pipes of a program that gets no terminal."""
        self.streams = Stdio(self._heard, keys=self.spec.keys)
        return self.streams

    def became(self, who: Account, environment: Mapping[str, str]) -> None:
        """Keep who it is and what its environment was: what runs beside it gets the same."""
        self.who, self.environment = who, environment
        self._box.monitor.expect(self._box.live.pid)
        if not self.spec.is_bash:
            # Held, or its number could be that of another one before we have looked.
            self._mounts = namespaces.open_namespace(self._box.live.pid, "mnt")

    def _heard(self, stream: int, piece: bytes) -> None:
        self._box.terminal.remember(piece)
        if self._output is not None:
            self._output(stream, piece)

    def watched_by(self, pty_reader: PtyReader) -> None:
        """Have what it prints be read in the background."""
        if self.streams is not None:
            for fd in self.streams.open:
                pty_reader.watch(fd, partial(self.streams.read, fd))

    def forgotten_by(self, pty_reader: PtyReader) -> None:
        """Leave what it prints to us."""
        if self.streams is not None:
            for fd in self.streams.open:
                pty_reader.forget(fd)

    # -- living --------------------------------------------------------------------------

    def missed(self) -> bytes:
        """Return what it has printed on its terminal before somebody came who is awaited."""
        waited, self.waits = self.waits, False
        return self._box.terminal.scrollback() if waited else b""

    def leave(self) -> None:
        """Have it be read in the background after all: nobody comes."""
        with self._box.attended():
            self.waits = False

    def attend(self, output: Output, keys: int | None) -> int:
        """Pass on what it prints, and keys of ours, until it has ended; return its status.

        A KeyboardInterrupt is passed on to it, as SIGINT; the third one ends it.  So is a
        signal that ends us, by SystemExit: then it has as long as for ``stop``, if it handles
        that at all.  Without keys it reads that there are none.
        """
        assert self.streams is not None
        self.waits = False
        if keys is None:
            self.streams.end_keys()
        with self._box.attended(), self._heard_by(output):
            for interrupts in count(1):
                try:
                    self.streams.pump(self._box.live.pidfd, keys, self.end_the_rest)
                    break
                except KeyboardInterrupt:
                    self._send(
                        signal.SIGINT if interrupts < MOST_INTERRUPTS else signal.SIGKILL
                    )
                except SystemExit as leaving:
                    self._leave(leaving.code)
                    raise
            self._box.buried()
        status = self.exit_status
        assert status is not None, "it has ended"
        return status

    def _leave(self, status: object) -> None:
        number = status - 128 if isinstance(status, int) else 0
        live = self._box.live
        if self.streams is not None and number > 0 and handles(live.pid, number):
            self._send(number)
            self.streams.pump(live.pidfd, None, self.end_the_rest, seconds=GRACE_SECONDS)

    @contextmanager
    def _heard_by(self, output: Output) -> Iterator[None]:
        self._output = output
        try:
            yield
        finally:
            self._output = None

    # -- the end -------------------------------------------------------------------------

    @property
    def exit_status(self) -> int | None:
        """How it ended, 128+n by signal n; None as long as it runs."""
        if self._status is None and not self._box.live.alive:
            try:
                self._status = self._box.monitor.exit_status_of(self._box.live.pid)
            except ShellGone:
                return 128 + signal.SIGKILL  # With the playground process it was killed.
        return self._status

    def drain(self) -> bool:
        """Take in what it has printed last; return whether somebody attends its end."""
        if self.streams is None:
            self.end_the_rest()
        else:
            self.streams.pump(self._box.live.pidfd, None, self.end_the_rest)
        return self._output is not None

    def end_the_rest(self) -> None:
        """End what is left of it once it has ended, as in a pid namespace the kernel does.

        By their mounts: they may be children of the playground process by now.
        """
        if self._mounts is None:
            return
        mounts = namespaces.of_descriptor(self._mounts)
        deadline = time.monotonic() + ENDING_SECONDS
        while time.monotonic() < deadline:
            family = running(self._box.monitor.pid)
            left = [pid for pid in family if namespaces.identify(pid, "mnt") == mounts]
            if not left:
                break
            for pid in left:
                kill_quietly(pid)
            time.sleep(MOMENT_SECONDS)
        self._let_go_of_mounts()

    def _let_go_of_mounts(self) -> None:
        if self._mounts is not None:
            os.close(self._mounts)
            self._mounts = None

    def close(self) -> None:
        """Let go of its pipes."""
        self._let_go_of_mounts()
        if self.streams is not None:
            self.streams.close()

    def wait(self) -> None:
        """Wait until it has ended, however long that takes."""
        poll = select.poll()
        poll.register(self._box.live.pidfd, select.POLLIN)
        poll.poll()

    def end(self, seconds: float) -> bool:
        """Ask it to end, by the signal that its image names or TERM; kill it after a time.

        Returns whether it has ended in time.
        """
        self._send(signal.Signals[f"SIG{self.spec.stop_signal}"])
        in_time = readable(self._box.live.pidfd, seconds)
        if not in_time:
            self._send(signal.SIGKILL)
            self.wait()
        return in_time

    def _send(self, number: int) -> None:
        try:
            HERE.pidfd_send_signal(self._box.live.pidfd, number)
        except KernelError as error:
            # It may have ended just now, and then there is nobody to tell.
            if error.errno != errno.ESRCH:
                raise

    def require_terminal(self) -> None:
        """Raise Refused if it has none."""
        if not self.spec.terminal:
            raise Refused(
                f"{self._box.label} was started without a terminal", f"logs {self._box.label}"
            )

    def no_bash(self) -> Refused:
        """Return why nothing is typed here, and nothing forks."""
        what = self.spec.name
        return Refused(f"{self._box.label} runs {what}, and no bash", "exec CMD runs beside it")
