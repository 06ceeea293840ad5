"""The client of the monitor: start it, request stubs, and read which children have ended."""

from __future__ import annotations

import marshal
import os
import signal
import socket
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from shellplay.errors import KernelError, ShellGone, TimedOut
from shellplay.kernel import python_child
from shellplay.kernel.here import HERE
from shellplay.kernel.keyrings import join_session_keyring
from shellplay.kernel.poll import readable
from shellplay.kernel.signals import deferred
from shellplay.kernel.stub import Stub, awaited, pair
from shellplay.monitor.messages import EXITED, FORGET_MODES, KEEP_MODES, READY, STUB
from shellplay.settings import Surroundings

# How long the monitor may take to start and to end on a busy machine.
STARTING_SECONDS, ENDING_SECONDS = 30.0, 30.0
# The number of wait statuses to keep that no caller has asked for.
REMEMBERED = 1000
# Variables for the encoding and the dynamic linker.  A stub gets the other ones with execve(2)
# only: a process in its namespaces can read the environment and the memory of a stub.
KEPT = ("LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH")
GREETING_SIZE = 1000
LOOK_SECONDS = 0.01


class Monitor:
    """The monitor, seen from the REPL.

    ``events`` is a socket that is readable when a child has ended, and when the monitor has.
    ``gone`` is true once the monitor has ended, ``killed`` if this object has killed it.
    """

    def __init__(self, surroundings: Surroundings | None = None) -> None:
        around = surroundings or Surroundings()
        self._environment = dict(
            os.environ if around.environment is None else around.environment
        )
        self._ready = False
        # What the monitor has said first; None before that, empty if it ended without a word.
        self._greeting: bytes | None = None
        self.gone = self.killed = self._reaped = False
        self._news = threading.Condition()
        self._statuses: dict[int, int] = {}
        # The children whose status a caller is going to ask for: it is kept until then.
        self._expected: set[int] = set()
        self._requests, requests = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with requests:
            self.events, events = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with events:
                self.pid = python_child.start(
                    "shellplay.monitor.process",
                    [] if around.scratch is None else [around.scratch],
                    (requests.fileno(), events.fileno()),
                    {name: text for name, text in self._environment.items() if name in KEPT},
                    session=True,
                )
        try:
            self._pidfd = HERE.pidfd_open(self.pid)
        except KernelError:
            python_child.end(self.pid)
            raise

    def stub(self, *, on_host: bool = False) -> Stub:
        """Fork a stub; raise ShellGone if the monitor has ended.

        The stub gets a new session keyring (keyrings(7)), unless its program is to run
        ``on_host``.  A bash gets it before its first fence: no system call leads back to the
        keyring before.
        """
        # Ctrl-C in between would leave a stub that no caller ends.
        with deferred():
            return self.await_stub(self.request_stub(), on_host=on_host)

    def request_stub(self) -> socket.socket:
        """Have the monitor fork a stub; return our end of its socket for ``await_stub``.

        The stub ends if that is closed.  Raises ShellGone if the monitor has ended.
        """
        with deferred():
            self._await_ready()
            ours, theirs = pair()
            with theirs:
                try:
                    socket.send_fds(self._requests, [STUB], [theirs.fileno()])
                except OSError as error:
                    raise ShellGone("the playground process has ended") from error
            return ours

    def await_stub(self, link: socket.socket, *, on_host: bool = False) -> Stub:
        """Wait for a requested stub; ``on_host`` and the errors are those of ``stub``."""
        with deferred():
            stub = awaited(link, self._environment)
            if not on_host:
                self._part_keys(stub)
            return stub

    @staticmethod
    def _part_keys(stub: Stub) -> None:
        try:
            join_session_keyring(stub)
        except BaseException:
            stub.quit()
            raise

    @contextmanager
    def modes_kept(self, terminal: int, farewell: bytes = b"") -> Iterator[None]:
        """Have the monitor restore a terminal's modes if the REPL is killed in the block.

        ``farewell`` is what the terminal is sent with them.
        """
        kept = (termios.tcgetattr(terminal), farewell)
        self._request(KEEP_MODES + marshal.dumps(kept), terminal)
        try:
            yield
        finally:
            self._request(FORGET_MODES)

    def _request(self, request: bytes, *fds: int) -> None:
        # If the monitor has ended, so has every bash; ``read_events`` reports that.
        with suppress(OSError):
            socket.send_fds(self._requests, [request], fds)

    def read_events(self) -> bool:
        """Take in the statuses of ended children; return False if the monitor has ended."""
        while True:
            try:
                message = self.events.recv(4096, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return True
            except OSError:
                message = b""
            with self._news:
                if not message:
                    self.gone = True
                else:
                    pid, status = EXITED.unpack(message)
                    self._statuses[pid] = status
                    self._drop_oldest()
                self._news.notify_all()
            if not message:
                return False

    def _drop_oldest(self) -> None:
        others = [pid for pid in self._statuses if pid not in self._expected]
        for pid in others[:-REMEMBERED]:
            del self._statuses[pid]

    def expect(self, pid: int) -> None:
        """Keep the status of a running child until ``status_of`` asks for it."""
        with self._news:
            # A status under this PID is that of an earlier process.
            self._statuses.pop(pid, None)
            self._expected.add(pid)

    def status_of(self, pid: int) -> int:
        """Wait until a child has ended and return its wait status (wait(2)).

        Another thread has to call ``read_events`` meanwhile: that of the pty reader.  Raises
        ShellGone if the monitor ends.
        """
        with self._news:
            self._news.wait_for(lambda: pid in self._statuses or self.gone)
            if pid not in self._statuses:
                raise ShellGone("the playground process has ended")
            self._expected.discard(pid)
            return self._statuses.pop(pid)

    def status_soon(self, pid: int, seconds: float) -> int | None:
        """Return the wait status of a child that has just ended; None if it does not come.

        Any thread may call it.
        """
        deadline = time.monotonic() + seconds
        while True:
            is_there = self.read_events()
            with self._news:
                if pid in self._statuses or not is_there or time.monotonic() > deadline:
                    return self._statuses.get(pid)
            # The pty reader may take the message, so the wait is short.
            readable(self.events.fileno(), LOOK_SECONDS)

    def exit_status_of(self, pid: int) -> int:
        """Wait until a child has ended; return its exit status, 128+n if signal n ended it.

        As ``status_of``.
        """
        status = os.waitstatus_to_exitcode(self.status_of(pid))
        return status if status >= 0 else 128 - status

    def close(self) -> None:
        """Let the monitor end every process of the playground; wait until it has ended."""
        # Both sockets at once: otherwise its events would fill a socket that has no reader,
        # and the monitor would wait for this process, which waits for the monitor.
        self._read_greeting()
        self._requests.close()
        self.events.close()
        self.reap()

    def kill(self) -> None:
        """Kill the monitor; every wait for a process of the playground ends.  Thread-safe."""
        self.killed = True
        self._signal(signal.SIGKILL)

    def reap(self) -> None:
        """Wait until the monitor has ended, and reap it; kill it if it does not end in time."""
        if self._reaped:
            return
        self._signal(signal.SIGCONT)  # A stopped process does not end.
        if not readable(self._pidfd, ENDING_SECONDS):
            self.kill()
        os.waitpid(self.pid, 0)
        with self._news:
            self._reaped = True
            os.close(self._pidfd)

    def _signal(self, number: int) -> None:
        # The number of a closed descriptor may belong to the pidfd of another process by now.
        with self._news, suppress(KernelError):
            if not self._reaped:
                HERE.pidfd_send_signal(self._pidfd, number)

    @property
    def has_started(self) -> bool:
        """Whether the monitor has been ready to fork."""
        return self._read_greeting() == READY

    def _await_ready(self) -> None:
        if self._ready:
            return
        greeting = self._await_greeting()
        if greeting != READY:
            reason = f": {greeting.decode(errors='replace')}" if greeting else ""
            raise ShellGone(f"the playground process could not start{reason}")
        self._ready = True

    def _await_greeting(self) -> bytes:
        # Another thread may have read of its end and closed the socket: then poll(2) refuses
        # the descriptor, and the greeting has been read.
        with suppress(OSError, ValueError):
            if not readable(self._requests.fileno(), STARTING_SECONDS):
                raise TimedOut(
                    f"the playground process did not start in {STARTING_SECONDS:g} s"
                )
        return self._read_greeting()

    def _read_greeting(self) -> bytes:
        with self._news:
            if self._greeting is None:
                try:
                    self._greeting = self._requests.recv(GREETING_SIZE, socket.MSG_DONTWAIT)
                except OSError:
                    self._greeting = b""
            return self._greeting
