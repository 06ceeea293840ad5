"""The process of a container: its streams, its stop signal and its exit status."""

from __future__ import annotations

import errno
import os
import select
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count

from shellplay.container.spec import ProcessSpec
from shellplay.container.state import ContainerState
from shellplay.container.stdio import Stdio
from shellplay.container.strays import Strays
from shellplay.container.user import Account
from shellplay.errors import KernelError, Refused, ShellGone, UsageError
from shellplay.kernel import namespaces
from shellplay.kernel.here import HERE
from shellplay.kernel.poll import readable
from shellplay.kernel.proc_write import open_root
from shellplay.kernel.process_tree import end_until_quiet
from shellplay.kernel.signal_names import parse_signal
from shellplay.kernel.signal_proxy import passed_on
from shellplay.kernel.signals import handles
from shellplay.shell.osc133 import Mark

MOST_INTERRUPTS = 3

Output = Callable[[int, bytes], None]


class ContainerProcess:
    """A program as the first process of a container.

    Its pipes, if it has no terminal, and whether a command is about to read its output are in
    the state of the container.
    """

    def __init__(self, state: ContainerState, spec: ProcessSpec) -> None:
        self._state = state
        self.spec = spec
        self._output: Output | None = None
        self._status: int | None = None
        self._mounts: int | None = None

    def connect(self) -> Stdio:
        """Make the pipes of a program that gets no terminal."""
        self._state.stdio = stdio = Stdio(self._keep_output, keys=self.spec.keys)
        return stdio

    def set_credentials(self, account: Account, environment: Mapping[str, str]) -> None:
        """Note with which user and environment it runs: programs beside it get the same."""
        self._state.account, self._state.environment = account, environment
        self._state.monitor.expect(self._state.live.pid)
        self._state.root = open_root(self._state.live.pid)
        if not self.spec.is_bash:
            # Held open: otherwise the inode number could pass to another namespace.
            self._mounts = namespaces.open_namespace(self._state.live.pid, "mnt")

    def _keep_output(self, stream: int, piece: bytes) -> None:
        self._state.terminal.remember(piece)
        if self._output is not None:
            self._output(stream, piece)

    # -- living --------------------------------------------------------------------------

    def unread_output(self) -> bytes:
        """Return the output on its terminal from before the command that was to read it."""
        awaited, self._state.awaited = self._state.awaited, False
        return self._state.terminal.scrollback() if awaited else b""

    def read_in_background(self) -> None:
        """Have the pty reader read its output, because no command will."""
        with self._state.attended():
            self._state.awaited = False

    def attend(
        self,
        output: Output,
        keys: int | None,
        *,
        proxied: frozenset[int] = frozenset(),
        interrupts_passed_on: bool = True,
    ) -> int:
        """Pass on its output, and our keys to it, until it has ended; return its status.

        ``keys`` is a descriptor of ours; None closes its stdin.  A KeyboardInterrupt becomes
        a SIGINT for it; the third one a SIGKILL.  A signal that ends this process, as
        SystemExit, is passed on if the program handles it, which then has as long as for
        ``stop``.  The ``proxied`` signals, which are held back, are passed on as they come.
        Neither is if ``interrupts_passed_on`` is False.
        """
        assert self._state.stdio is not None
        self._state.awaited = False
        if keys is None:
            self._state.stdio.end_keys()
        with (
            self._state.attended(),
            self._output_to(output),
            passed_on(proxied, self._send),
        ):
            for interrupts in count(1):
                try:
                    self._state.stdio.pump(self._state.live.pidfd, keys, self.kill_remaining)
                    break
                except KeyboardInterrupt:
                    if not interrupts_passed_on:
                        raise
                    self._send(
                        signal.SIGINT if interrupts < MOST_INTERRUPTS else signal.SIGKILL
                    )
                except SystemExit as leaving:
                    if interrupts_passed_on:
                        self._pass_on_signal(leaving.code)
                    raise
            self._state.on_exit()
        status = self.exit_status
        assert status is not None, "it has ended"
        return status

    def show_terminal(self, output: Callable[[bytes], None]) -> int:
        """Pass on what it prints on its terminal until it has ended; return its status.

        Nothing is typed.  Raises KeyboardInterrupt at a ^C.
        """
        terminal, alive = self._state.terminal, self._state.live.pidfd

        def heard(piece: bytes | Mark) -> None:
            if not isinstance(piece, Mark):
                output(piece)

        with self._state.attended():
            output(self.unread_output())
            with terminal.watched(heard):
                # It may close its terminal before it ends.
                with suppress(ShellGone):
                    terminal.wait(lambda: False, timeout=None, alive=alive)
                self.wait()
                while terminal.read() > 0:
                    continue
            self._state.on_exit()
        status = self.exit_status
        assert status is not None, "it has ended"
        return status

    def _pass_on_signal(self, status: object) -> None:
        number = status - 128 if isinstance(status, int) else 0
        live = self._state.live
        if self._state.stdio is not None and number > 0 and handles(live.pid, number):
            self._send(number)
            self._state.stdio.pump(
                live.pidfd, None, self.kill_remaining, seconds=self.spec.stop_seconds
            )

    @property
    def awaited(self) -> bool:
        """Whether a command is about to read its output."""
        return self._state.awaited

    @contextmanager
    def _output_to(self, output: Output) -> Iterator[None]:
        self._output = output
        try:
            yield
        finally:
            self._output = None

    # -- the end -------------------------------------------------------------------------

    @property
    def exit_status(self) -> int | None:
        """How it ended, 128+n by signal n; None as long as it runs."""
        if self._status is None and not self._state.live.alive:
            try:
                self._status = self._state.monitor.exit_status_of(self._state.live.pid)
            except ShellGone:
                return 128 + signal.SIGKILL  # It was killed with the monitor.
        return self._status

    def await_end(self) -> None:
        """Wait until it has ended, and all that it has printed is read."""
        self.wait()
        with self._state.attended():
            self._state.on_exit()

    def read_rest(self) -> bool:
        """Read its last output; return whether a command attends its end."""
        if self._state.stdio is None:
            self.kill_remaining()
        else:
            self._state.stdio.pump(self._state.live.pidfd, None, self.kill_remaining)
        return self._output is not None

    def kill_remaining(self) -> None:
        """Kill the processes that outlive it, as the kernel does in a pid namespace.

        They are known by their mount namespace: they may be children of the monitor by now.
        """
        if self._mounts is None:
            return
        mounts = namespaces.of_descriptor(self._mounts)
        strays = Strays(
            self._state.monitor.pid, lambda pid: namespaces.identify(pid, "mnt") == mounts
        )
        _, left = end_until_quiet(strays.find)
        self._close_mounts()
        self._state.tell_left(left)

    def _close_mounts(self) -> None:
        if self._mounts is not None:
            os.close(self._mounts)
            self._mounts = None

    def close(self) -> None:
        """Close its pipes, and the descriptors of its mounts and its root."""
        self._close_mounts()
        if self._state.root is not None:
            os.close(self._state.root)
            self._state.root = None
        if self._state.stdio is not None:
            self._state.stdio.close()

    def wait(self) -> None:
        """Wait until it has ended, without a limit of time."""
        poll = select.poll()
        poll.register(self._state.live.pidfd, select.POLLIN)
        poll.poll()

    def end(self, seconds: float, number: int | None = None) -> bool:
        """Send it a signal, its stop signal if that is None; kill it after ``seconds``.

        Returns whether it has ended before that.  Raises Refused if its image names an
        unknown stop signal.
        """
        self._send(self._stop_signal() if number is None else number)
        in_time = readable(self._state.live.pidfd, seconds)
        if not in_time:
            self._send(signal.SIGKILL)
            self.wait()
        return in_time

    def _stop_signal(self) -> int:
        try:
            return parse_signal(self.spec.stop_signal)
        except UsageError as error:
            label = self._state.label
            raise Refused(
                f"{label} cannot be asked to stop: its image names an {error.message}",
                f"stop -s TERM {label}",
            ) from error

    def _send(self, number: int) -> None:
        try:
            HERE.pidfd_send_signal(self._state.live.pidfd, number)
        except KernelError as error:
            # ESRCH: it has ended just now, which is what a signal may be for.
            if error.errno != errno.ESRCH:
                raise

    def require_terminal(self) -> None:
        """Raise Refused if it has no terminal."""
        if not self.spec.terminal:
            raise Refused(
                f"{self._state.label} was started without a terminal",
                f"logs {self._state.label}",
            )
