"""A stub: a process that makes the calls that we ask for, until it becomes a program.

Where ptrace is refused, and for every new shell and every ``exec``, the calls are made by
a cooperating process.  It reads requests from a socket, makes the calls itself, and at last
replaces itself by execve(2).  ``Stub`` is our end; ``stub_process`` runs in the stub.
"""

from __future__ import annotations

import errno
import marshal
import os
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from shellplay.errors import KernelError, Refused, ShellGone, TimedOut
from shellplay.kernel import constants as k
from shellplay.kernel import procfs
from shellplay.kernel.call_log import note
from shellplay.kernel.caller import Argument, Caller
from shellplay.kernel.capabilities import has
from shellplay.kernel.stub_messages import ANSWER_SIZE, MESSAGE_SIZE, Answer, Part, encoded

# Long, for a busy machine; but a stub that was stopped never answers.
PATIENCE_SECONDS = 30.0
# How often a stub that does not answer is looked at.
LOOK_SECONDS = 1.0
CREDENTIALS = struct.Struct("3i")


class Stub(Caller):
    """Our end of a stub; made by ``awaited``."""

    remote = True

    def __init__(
        self, link: socket.socket, pid: int, environment: Mapping[str, str] | None = None
    ) -> None:
        self.pid = pid
        self._link = link
        self._environment = environment

    def syscall(self, name: str, *arguments: Argument) -> int:
        """Make one call and return its raw result."""
        return self._calls([(name, arguments)])[0]

    def syscalls(self, calls: Iterable[tuple[str, tuple[Argument, ...]]]) -> Iterable[int]:
        """Make all calls up to the first that fails; return their raw results.

        They go in one message: to wait for each takes longer than to make it.
        """
        listed = list(calls)
        return self._calls(listed) if listed else []

    def _calls(self, calls: Sequence[tuple[str, tuple[Argument, ...]]]) -> Sequence[int]:
        request = [(name, [*map(encoded, arguments)]) for name, arguments in calls]
        answer = self._ask("calls", request)
        buffers = (
            each for _, arguments in calls for each in arguments if isinstance(each, bytearray)
        )
        for buffer, content in zip(buffers, answer.buffers, strict=False):
            buffer[:] = content
        return answer.results

    @contextmanager
    def passed(self, fd: int) -> Iterator[int]:
        """Give the process a duplicate of our descriptor for the block."""
        number = self.give(fd)
        try:
            yield number
        finally:
            self.close(number)

    def give(self, fd: int) -> int:
        """Give the stub a duplicate of our descriptor for good; return its number there."""
        number = self._ask("keep", fds=(fd,)).results[0]
        if number < 0:
            raise KernelError("recvmsg", -number, "a descriptor of ours")
        return number

    @contextmanager
    def forked(self, flags: int = 0) -> Iterator[tuple[Stub, int]]:
        """Fork the process for the block."""
        if flags:
            # A cooperating process need not clone: to unshare first has the same effect.
            self.unshare(flags)
        ours, theirs = pair()
        with theirs:
            inside = self._ask("fork", fds=(theirs.fileno(),)).results[0]
        note(self, "clone", ("SIGCHLD", "0"), inside)
        if inside < 0:
            ours.close()
            raise KernelError("clone", -inside, "SIGCHLD")
        copy = awaited(ours, self._environment)
        try:
            yield copy, inside
        except BaseException:
            copy.quit()
            raise

    def seccomp(self, instructions: bytes) -> None:
        """Filter the calls that the process makes from now on; raise Refused if it can no
        longer hear us and answer.
        """
        try:
            super().seccomp(instructions)
            self._ask("listen")
        except ShellGone as error:
            raise Refused(
                "seccomp: a program that starts here hears from us by recvmsg and answers by "
                "sendto, and this filter denies one of them",
                "peel seccomp, or allow both",
            ) from error

    def execute(
        self,
        argv: Sequence[str],
        *,
        change: Mapping[str, str],
        remove: Sequence[str] = (),
        keep: Sequence[int] = (),
        fresh: bool = False,
    ) -> None:
        """Replace the stub by a program; raise KernelError if it cannot be executed.

        The environment is the one of ``awaited``, or nothing if it is ``fresh``, with
        ``change`` applied and the names in ``remove`` gone.  Of the descriptors, the standard
        streams and ``keep`` stay open.
        """
        ours = os.environ if self._environment is None else self._environment
        kept = {} if fresh else {n: text for n, text in ours.items() if n not in remove}
        # Sent only now: a process in the namespaces of the stub might read it there.
        self._send("execute", list(argv), {**kept, **change}, list(keep))
        message = self._receive()
        self._link.close()
        # The stub's end is close-on-exec: no answer means that the program runs.
        answer = self._understood(message) if message else Answer([0])
        failed, call = answer.results[0], answer.call or "execve"
        note(self, call, (argv[0], " ".join(argv)), failed)
        if failed:
            fix = "a filter may deny it: peel seccomp" if -failed == errno.EPERM else None
            raise KernelError(call, -failed, argv[0], fix)

    def conceal(self) -> None:
        """Close its memory and its program to the processes in the same namespaces.

        That program is the host's Python (CVE-2019-5736).  It ends with execve(2).  We must
        be able to look ourselves, so it is done only if we may look into every process.
        """
        ours = procfs.status("self")
        if ours is not None and has(ours.effective, "sys_ptrace"):
            self.prctl(k.PR_SET_DUMPABLE, 0)

    def attend(self) -> None:
        """Have the stub fork: the copy goes on in its place, and it reaps until that ends.

        That is what the first process of a pid namespace is there for, pid_namespaces(7).
        """
        copied = self._ask("attend").results[0]
        if copied < 0:
            raise KernelError("clone", -copied, "SIGCHLD")

    def quit(self) -> None:
        """End the stub."""
        self._link.close()

    def _send(self, *message: Part, fds: Sequence[int] = ()) -> None:
        content = marshal.dumps(message)
        if len(content) > MESSAGE_SIZE:
            raise KernelError(
                "sendmsg",
                errno.EMSGSIZE,
                f"the starting process {self.pid}",
                f"give it at most {MESSAGE_SIZE} bytes, and the rest in a file",
            )
        try:
            socket.send_fds(self._link, [content], fds)
        except OSError as error:
            raise ShellGone(f"the starting process {self.pid} has ended") from error

    def _ask(self, *message: Part, fds: Sequence[int] = ()) -> Answer:
        self._send(*message, fds=fds)
        answer = self._receive()
        if not answer:
            raise ShellGone(f"the starting process {self.pid} has ended")
        return self._understood(answer)

    def _understood(self, message: bytes) -> Answer:
        try:
            answer = Answer.unpacked(message)
        except ValueError as error:
            raise ShellGone(f"the starting process {self.pid} answers nonsense") from error
        if not answer.results:
            raise ShellGone(f"the starting process {self.pid} answers nothing")
        return answer

    def _receive(self) -> bytes:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._link.recv(ANSWER_SIZE)
            except TimeoutError as error:
                # A program inside may have sent SIGSTOP to the stub; only a slow stub is worth
                # the whole wait.
                if not self._is_stopped() and time.monotonic() < deadline:
                    continue
                # A late answer would be taken for the answer to the next request.
                self._link.close()
                raise _silent(f"the starting process {self.pid}") from error
            except OSError as error:
                raise ShellGone(f"the starting process {self.pid} has ended") from error

    def _is_stopped(self) -> bool:
        status = procfs.status(self.pid)
        return status is not None and status.state == "T"


def pair() -> tuple[socket.socket, socket.socket]:
    """Return a connected pair: our end, which learns the sender's PID, and the stub's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    ours.settimeout(PATIENCE_SECONDS)
    return ours, theirs


def awaited(link: socket.socket, environment: Mapping[str, str] | None = None) -> Stub:
    """Wait for a stub's first message, which carries its PID as the kernel translates it.

    What it executes gets the environment, ours if it is None.  A stub in a new PID namespace
    does not know its PID on the host; SCM_CREDENTIALS do.
    """
    try:
        hello, ancillary, _, _ = link.recvmsg(ANSWER_SIZE, socket.CMSG_SPACE(CREDENTIALS.size))
        if not hello:
            raise ShellGone("the process that was to become the shell has ended")
    except TimeoutError as error:
        link.close()
        raise _silent("the process that was to become the shell") from error
    except BaseException:
        link.close()
        raise
    link.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
    link.settimeout(LOOK_SECONDS)
    pid, _, _ = CREDENTIALS.unpack(ancillary[0][2])
    return Stub(link, pid, environment)


def _silent(process: str) -> TimedOut:
    return TimedOut(f"{process} did not answer for {PATIENCE_SECONDS:g} seconds")
