"""A stub: a process that makes the calls it is sent, and then becomes a program.

Every new bash and every ``exec`` starts as a stub, also where ptrace(2) is refused.  The
stub reads requests from a socket and makes the calls; execve(2) is its last one.  ``Stub``
is our end of the socket; ``stub_process`` runs in the stub.
"""

from __future__ import annotations

import errno
import marshal
import os
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from shellplay.errors import KernelError, Refused, ShellGone, TimedOut
from shellplay.kernel import constants as k
from shellplay.kernel import procfs
from shellplay.kernel.call_log import note
from shellplay.kernel.caller import Argument, Caller, Request
from shellplay.kernel.capabilities import has
from shellplay.kernel.process_tree import kill_quietly
from shellplay.kernel.stub_messages import (
    ANSWER_SIZE,
    MESSAGE_SIZE,
    REFUSAL,
    Answer,
    Part,
    encoded,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shellplay.kernel.host_program import HostProgram

# Long, for a busy machine.
PATIENCE_SECONDS = 30.0
# After this time without an answer we check whether the stub is stopped.
LOOK_SECONDS = 1.0
CREDENTIALS = struct.Struct("3i")


class Stub(Caller):
    """Our end of a stub; ``awaited`` creates it."""

    remote = True

    def __init__(
        self, link: socket.socket, pid: int, environment: Mapping[str, str] | None = None
    ) -> None:
        self.pid = pid
        self._link = link
        self._environment = environment

    def syscall(self, name: str, *arguments: Argument) -> int:
        """Make one call and return its raw result."""
        return self._calls([(name, arguments, ())])[0]

    def syscalls(self, requests: Sequence[Request]) -> Sequence[int]:
        """Make all calls up to the first failure; return their raw results.

        One message has all calls: to wait for an answer takes longer than a call.
        """
        return self._calls(requests) if requests else []

    def _calls(self, requests: Sequence[Request]) -> Sequence[int]:
        message = [
            (name, [*map(encoded, arguments)], accepted)
            for name, arguments, accepted in requests
        ]
        answer = self._ask("calls", message)
        buffers = (
            each
            for _, arguments, _ in requests
            for each in arguments
            if isinstance(each, bytearray)
        )
        for buffer, content in zip(buffers, answer.buffers, strict=False):
            buffer[:] = content
        return answer.results

    @contextmanager
    def passed(self, fd: int) -> Iterator[int]:
        """Duplicate our descriptor into the process for the block."""
        number = self.give(fd)
        try:
            yield number
        finally:
            self.close(number)

    def give(self, fd: int) -> int:
        """Duplicate our descriptor into the stub, to stay open; return its number there."""
        return self.give_all(fd)[0]

    def give_all(self, *fds: int) -> Sequence[int]:
        """Duplicate up to three descriptors into the stub; return their numbers there."""
        numbers = self._ask("keep", fds=fds).results
        if len(numbers) < len(fds) or numbers[0] < 0:
            raise KernelError("recvmsg", errno.EMFILE, "a descriptor of ours")
        return numbers

    @contextmanager
    def forked(self, flags: int = 0) -> Iterator[tuple[Stub, int]]:
        """Fork the process for the block."""
        if flags:
            # unshare(2) before fork(2) has the same effect as clone(2) with flags.
            self.unshare(flags)
        ours, theirs = pair()
        with ExitStack() as held:
            held.enter_context(ours)
            with theirs:
                inside = self._ask("fork", fds=(theirs.fileno(),)).results[0]
            note(self, "clone", ("SIGCHLD", "0"), inside)
            if inside < 0:
                raise KernelError("clone", -inside, "SIGCHLD")
            try:
                copy = awaited(ours, self._environment, lambda: procfs.children(self.pid))
            except TimedOut:
                for child in procfs.children(self.pid):
                    kill_quietly(child)
                raise
            held.pop_all()
        try:
            yield copy, inside
        except BaseException:
            copy.quit()
            raise

    def seccomp(self, instructions: bytes) -> None:
        """Filter all later calls of the process, seccomp(2).

        Raises Refused if the filter denies the calls by which the stub reads and answers.
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
        program: HostProgram | None = None,
        change: Mapping[str, str],
        remove: Sequence[str] = (),
        keep: Sequence[int] = (),
        fresh: bool = False,
    ) -> None:
        """Replace the stub by a program, execve(2); raise KernelError if that fails.

        Without a ``program`` of the host, the stub looks up ``argv[0]`` in PATH, inside.  The
        environment is that of ``awaited``, without the names in ``remove``; it is empty if
        ``fresh``.  ``change`` is added.  The standard streams and ``keep`` stay open.
        """
        ours = os.environ if self._environment is None else self._environment
        kept = {} if fresh else {n: text for n, text in ours.items() if n not in remove}
        # The environment is sent only now: a process in the same namespaces may be able to
        # read the memory of the stub.
        process = (list(argv), {**kept, **change}, list(keep))
        if program is None or program.fd is None:
            call = "execve"
            self._send("execute", *process, None if program is None else program.path)
        else:
            call = "execveat"
            self._send("execute_descriptor", *process, fds=(program.fd,))
        message = self._receive()
        self._link.close()
        # The socket of the stub is close-on-exec: no answer means that the program runs.
        answer = self._understood(message) if message else Answer([0])
        failed, call = answer.results[0], answer.call or call
        note(self, call, (argv[0], " ".join(argv)), failed)
        if failed:
            fix = "a filter may deny it: peel seccomp" if -failed == errno.EPERM else None
            raise KernelError(call, -failed, argv[0], fix)

    def set_undumpable(self) -> None:
        """Hide the memory of the stub from processes inside, PR_SET_DUMPABLE(2const).

        A process there could take over the stub before it has all restrictions.  execve(2)
        sets the flag back.  Without CAP_SYS_PTRACE the flag would hide the stub from us too, so
        it is not changed then.
        """
        ours = procfs.status("self")
        if ours is not None and has(ours.effective, "sys_ptrace"):
            self.prctl(k.PR_SET_DUMPABLE, 0)

    def stay_as_init(self) -> None:
        """Fork the stub: the copy serves our requests, and the stub stays to reap orphans.

        This is the duty of PID 1 in a PID namespace, pid_namespaces(7).  Raises KernelError.
        """
        copied = self._ask("stay_as_init").results[0]
        if copied < 0:
            raise KernelError("clone", -copied, "SIGCHLD")

    def quit(self) -> None:
        """Close the socket; the stub then exits."""
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
        try:
            return _next_message(self._link, lambda: (self.pid,))[0]
        except TimeoutError as error:
            # We close the socket: a late answer would look like the answer to the next request.
            self._link.close()
            raise _silent(f"the starting process {self.pid}") from error
        except OSError as error:
            raise ShellGone(f"the starting process {self.pid} has ended") from error


def _next_message(
    link: socket.socket, senders: Callable[[], Iterable[int]], ancillary_size: int = 0
) -> tuple[bytes, list[tuple[int, int, bytes]]]:
    """Return the next message and its ancillary data; raise TimeoutError if there is none.

    ``senders`` returns the PIDs of possible senders.  A program inside may have sent SIGSTOP
    to a sender: then the wait ends early.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            content, ancillary, _, _ = link.recvmsg(ANSWER_SIZE, ancillary_size)
        except TimeoutError:
            if time.monotonic() >= deadline or any(map(_is_stopped, senders())):
                raise
        else:
            return content, ancillary


def _is_stopped(pid: int) -> bool:
    status = procfs.status(pid)
    return status is not None and status.state == "T"


def pair() -> tuple[socket.socket, socket.socket]:
    """Return a connected pair: our end, with SO_PASSCRED (unix(7)), and the end of the stub."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    ours.settimeout(LOOK_SECONDS)
    return ours, theirs


def awaited(
    link: socket.socket,
    environment: Mapping[str, str] | None = None,
    senders: Callable[[], Iterable[int]] = tuple,
) -> Stub:
    """Wait for the first message of a stub, and return our end of it.

    A stub in a new PID namespace does not know its PID on the host.  The kernel translates
    it in SCM_CREDENTIALS, unix(7).  ``environment`` is for the program that the stub becomes;
    None: our environment.  ``senders`` returns the known PIDs of which the stub has one.
    Raises ShellGone or TimedOut, and KernelError if there could be no fork.
    """
    try:
        space = socket.CMSG_SPACE(CREDENTIALS.size)
        hello, ancillary = _next_message(link, senders, space)
        if not hello:
            raise ShellGone("the process that was to become the shell has ended")
        if len(hello) == REFUSAL.size:
            (number,) = REFUSAL.unpack(hello)
            raise KernelError("fork", number, "the playground process")
    except TimeoutError as error:
        link.close()
        raise _silent("the process that was to become the shell") from error
    except BaseException:
        link.close()
        raise
    link.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
    pid, _, _ = CREDENTIALS.unpack(ancillary[0][2])
    return Stub(link, pid, environment)


def _silent(process: str) -> TimedOut:
    return TimedOut(f"{process} did not answer for {PATIENCE_SECONDS:g} seconds")
