"""Our end of the playground process: start it, get stubs from it, hear who ended."""

from __future__ import annotations

import marshal
import os
import signal
import socket
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from shellplay.errors import KernelError, ShellGone, TimedOut
from shellplay.kernel.here import HERE
from shellplay.kernel.keyrings import join_session_keyring
from shellplay.kernel.poll import readable
from shellplay.kernel.signals import deferred
from shellplay.kernel.stub import Stub, awaited, pair
from shellplay.monitor.messages import EXITED, FORGET_MODES, KEEP_MODES, STUB
from shellplay.settings import Surroundings

PACKAGE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# How long it may take, on a machine that has a lot to do, until it does what it is told.
STARTING_SECONDS, ENDING_SECONDS = 30.0, 30.0
# Wait statuses of children nobody asks for are kept this long.
REMEMBERED = 1000
# How it reads what we write, and what it is linked with.  The rest of our environment goes
# with what is executed: who is behind the same fences as a stub can read what that has.
KEPT = ("LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH")
PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[3]); "
    "from shellplay.monitor.process import main; "
    "main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[4:])"
)


class Monitor:
    """The playground process, seen from the REPL.

    ``events`` is a socket that becomes readable when a child has ended, and at its end
    when the playground process itself has gone; ``killed`` tells that we have killed it.
    """

    def __init__(self, surroundings: Surroundings | None = None) -> None:
        around = surroundings or Surroundings()
        scratch = [] if around.scratch is None else [around.scratch]
        self._environment = dict(
            os.environ if around.environment is None else around.environment
        )
        self._requests, requests = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.events, events = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with requests, events:
            # Isolated and without site-packages (-I -S): it starts faster and runs no
            # code but ours.  An own session: a terminal's ^C and a kill of the REPL's
            # process group are not for it.
            self.pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", "-c", PROGRAM, "3", "4", PACKAGE_ROOT, *scratch],
                {name: text for name, text in self._environment.items() if name in KEPT},
                file_actions=_as_3_and_4(requests.fileno(), events.fileno()),
                setsid=True,
                setsigmask=(),
            )
        self._pidfd = HERE.pidfd_open(self.pid)
        self._ready = False
        self.gone = self.killed = self._reaped = False
        self._news = threading.Condition()
        self._statuses: dict[int, int] = {}
        # Of those that somebody is going to ask for, however late.
        self._expected: set[int] = set()

    def stub(self, *, on_host: bool = False) -> Stub:
        """Fork a stub; raise ShellGone if the playground process has ended.

        It gets a session keyring of its own, but not if what it runs is to be ``on_host``: a
        bash, too, before its first fence, since no call leads back to the keyring of before.
        """
        # A ^C between question and answer would leave the answer for the next question.
        with deferred():
            self._await_ready()
            ours, theirs = pair()
            with theirs:
                try:
                    socket.send_fds(self._requests, [STUB], [theirs.fileno()])
                except OSError as error:
                    raise ShellGone("the playground process has ended") from error
            stub = awaited(ours, self._environment)
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
    def modes_kept(self, terminal: int) -> Iterator[None]:
        """Have a terminal of ours get its modes back also if we are killed in the block."""
        self._request(KEEP_MODES + marshal.dumps(termios.tcgetattr(terminal)), terminal)
        try:
            yield
        finally:
            self._request(FORGET_MODES)

    def _request(self, request: bytes, *fds: int) -> None:
        # That it has gone is heard elsewhere: then every bash has, and nothing is entered.
        with suppress(OSError):
            socket.send_fds(self._requests, [request], fds)

    def hear(self) -> bool:
        """Take in what it has to say; return False when it has gone."""
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
                    self._forget_the_oldest()
                self._news.notify_all()
            if not message:
                return False

    def _forget_the_oldest(self) -> None:
        others = [pid for pid in self._statuses if pid not in self._expected]
        for pid in others[:-REMEMBERED]:
            del self._statuses[pid]

    def expect(self, pid: int) -> None:
        """Keep the status of a child that runs until it is asked for."""
        with self._news:
            # What is known by that number is of somebody else, who had it before.
            self._statuses.pop(pid, None)
            self._expected.add(pid)

    def status_of(self, pid: int) -> int:
        """Wait until a child has ended and return its wait status; raise ShellGone if
        the playground process itself ends.

        Somebody else has to call ``hear`` meanwhile: the pty reader does.
        """
        with self._news:
            self._news.wait_for(lambda: pid in self._statuses or self.gone)
            if pid not in self._statuses:
                raise ShellGone("the playground process has ended")
            self._expected.discard(pid)
            return self._statuses.pop(pid)

    def exit_status_of(self, pid: int) -> int:
        """Wait until a child has ended; return its status as a shell does, 128+n by signal n.

        As ``status_of``.
        """
        status = os.waitstatus_to_exitcode(self.status_of(pid))
        return status if status >= 0 else 128 - status

    def close(self) -> None:
        """Let it end every process of the playground, and itself; wait until it has."""
        # Both at once: its news would fill a socket that nobody reads any more, and it
        # would wait for us while we wait for it.
        self._requests.close()
        self.events.close()
        self.reap()

    def kill(self) -> None:
        """Kill it, which ends every wait for something in the playground; from any thread."""
        self.killed = True
        self._signal(signal.SIGKILL)

    def reap(self) -> None:
        """Wait until the playground process has ended, once."""
        if self._reaped:
            return
        self._signal(signal.SIGCONT)  # Somebody may have stopped it.
        if not readable(self._pidfd, ENDING_SECONDS):
            self.kill()
        os.waitpid(self.pid, 0)
        with self._news:
            self._reaped = True
            os.close(self._pidfd)

    def _signal(self, number: int) -> None:
        # The number of a descriptor that is closed may be that of another process by now.
        with self._news, suppress(KernelError):
            if not self._reaped:
                HERE.pidfd_send_signal(self._pidfd, number)

    def _await_ready(self) -> None:
        if not self._ready and not self._received():
            raise ShellGone("the playground process could not start")
        self._ready = True

    def _received(self) -> bytes:
        try:
            if not readable(self._requests.fileno(), STARTING_SECONDS):
                raise TimedOut(
                    f"the playground process did not start in {STARTING_SECONDS:g} s"
                )
            return self._requests.recv(16)
        except (OSError, ValueError) as error:
            # Whoever heard of its end has closed what we wait at.
            raise ShellGone("the playground process has ended") from error


def _as_3_and_4(requests: int, events: int) -> list[tuple[object, ...]]:
    # Through high numbers first: one of the two may be 3 or 4 already.  The user's terminal
    # is not for the playground process; only its last words go to our standard error.
    high = 200
    return [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, requests, high),
        (os.POSIX_SPAWN_DUP2, events, high + 1),
        (os.POSIX_SPAWN_DUP2, high, 3),
        (os.POSIX_SPAWN_DUP2, high + 1, 4),
        *((os.POSIX_SPAWN_CLOSE, each) for each in (high, high + 1)),
    ]
