"""A stub: a process that was started to be told what to call, until it becomes a program.

Where ptrace is refused, and for every new shell and every ``exec``, the calls are made by
a cooperating process.  It reads requests from a socket, makes the calls itself, and at last
replaces itself by execve(2).  ``Stub`` is our end, ``serve`` runs in the stub.

Messages are JSON objects over SOCK_SEQPACKET, descriptors travel beside them
(SCM_RIGHTS, see unix(7)).  JSON, because a stub that has joined a fence must not be able
to send us anything but data.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, NotRequired, TypedDict

from shellplay.errors import KernelError, Refused, ShellGone, TimedOut
from shellplay.kernel import constants as k
from shellplay.kernel import procfs
from shellplay.kernel.caller import HERE, Argument, Caller, Program, note
from shellplay.kernel.capabilities import has

MESSAGE_SIZE = 200_000
# Long, for a machine that has a lot to do; but nobody answers who was stopped.
PATIENCE_SECONDS = 30.0
Encoded = int | dict[str, str] | None
CREDENTIALS = struct.Struct("3i")


class Answer(TypedDict):
    """What a stub answers: the raw result, and the buffers that the call filled, in hex.

    ``call`` is there if it was another one than was asked for, ``results`` if many were.
    """

    result: int
    buffers: list[str]
    call: NotRequired[str]
    results: NotRequired[list[int]]


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
        buffers = [each for each in arguments if isinstance(each, bytearray)]
        answer = self._ask(call=name, arguments=[_encoded(each) for each in arguments])
        for buffer, content in zip(buffers, answer["buffers"], strict=True):
            buffer[:] = bytes.fromhex(content)
        return answer["result"]

    def syscalls(self, calls: Iterable[tuple[str, tuple[Argument, ...]]]) -> Iterable[int]:
        """Make all calls up to the first that fails; return their raw results.

        They go in one message: to wait for each takes longer than to make it.
        """
        listed = [(name, [_encoded(each) for each in arguments]) for name, arguments in calls]
        if not listed:
            return []
        return self._ask(calls=listed)["results"]

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
        number = self._ask(fd, keep=True)["result"]
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
            inside = self._ask(theirs.fileno(), fork=True)["result"]
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
            self._ask(listen=True)
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
        streams and those in ``keep`` stay open.
        """
        ours = os.environ if self._environment is None else self._environment
        kept = {} if fresh else {n: text for n, text in ours.items() if n not in remove}
        # It comes only now: whoever shares a fence with a stub might read it there.
        self._send(execute=list(argv), environment={**kept, **change}, keep=list(keep))
        answer = self._receive()
        self._link.close()
        # The stub's end is close-on-exec: no answer means that the program runs.
        failed: int = json.loads(answer)["result"] if answer else 0
        call: str = json.loads(answer).get("call", "execve") if answer else "execve"
        note(self, call, (argv[0], " ".join(argv)), failed)
        if failed:
            fix = "a filter may deny it: peel seccomp" if -failed == errno.EPERM else None
            raise KernelError(call, -failed, argv[0], fix)

    def conceal(self) -> None:
        """Have its memory and its program be closed to who is behind the same fences.

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
        copied = self._ask(attend=True)["result"]
        if copied < 0:
            raise KernelError("clone", -copied, "SIGCHLD")

    def quit(self) -> None:
        """End the stub."""
        self._link.close()

    def _send(self, *fds: int, **message: object) -> None:
        content = json.dumps(message).encode()
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

    def _ask(self, *fds: int, **message: object) -> Answer:
        self._send(*fds, **message)
        answer = self._receive()
        if not answer:
            raise ShellGone(f"the starting process {self.pid} has ended")
        decoded: Answer = json.loads(answer)
        return decoded

    def _receive(self) -> bytes:
        try:
            return self._link.recv(MESSAGE_SIZE)
        except TimeoutError as error:
            # Its answer could only be taken for another one.
            self._link.close()
            raise _silent(f"the starting process {self.pid}") from error
        except OSError as error:
            raise ShellGone(f"the starting process {self.pid} has ended") from error


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
        hello, ancillary, _, _ = link.recvmsg(MESSAGE_SIZE, socket.CMSG_SPACE(CREDENTIALS.size))
        if not hello:
            raise ShellGone("the process that was to become the shell has ended")
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


# -- in the stub ------------------------------------------------------------------------


def serve(link: socket.socket) -> NoReturn:
    """Do what our end says until it hangs up or says which program to become."""
    try:
        _serve(link)
    except OSError:
        # Our end has gone, or a filter denies what the talk with it takes: who asked says so.
        os._exit(1)


def _serve(link: socket.socket) -> NoReturn:
    link.send(b"{}")
    while True:
        message, fds, _, _ = socket.recv_fds(link, MESSAGE_SIZE, 1)
        if not message:
            os._exit(0)
        request = json.loads(message)
        match request:
            case {"call": name, "arguments": arguments}:
                answer = _make_call(name, [_decoded(each) for each in arguments])
            case {"calls": calls}:
                answer = {"result": 0, "buffers": [], "results": _make_calls(calls)}
            case {"keep": True}:
                # None has come if no more may be open.
                answer = {"result": fds[0] if fds else -errno.EMFILE, "buffers": []}
            case {"listen": True}:
                answer = {"result": 0, "buffers": []}
            case {"fork": True}:
                child = _fork()
                if child == 0:
                    link.close()
                    link = socket.socket(fileno=fds[0])
                    link.send(b"{}")
                    continue
                os.close(fds[0])
                answer = {"result": child, "buffers": []}
            case {"attend": True}:
                child = _fork()
                if child > 0:
                    link.close()
                    _attend(child)
                answer = {"result": child, "buffers": []}
            case {"execute": argv, "environment": environment, "keep": keep}:
                answer = _execute(argv, environment, keep)
            case _:
                os._exit(2)
        link.send(json.dumps(answer).encode())


def _fork() -> int:
    try:
        return os.fork()
    except OSError as error:
        return -(error.errno or errno.EAGAIN)


def _attend(child: int) -> NoReturn:
    """Reap whatever ends until the child has, and end as it did; it hears our signals."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, lambda received, _: os.kill(child, received))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    while True:
        ended, status = os.wait()
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _make_call(name: str, arguments: list[Argument]) -> Answer:
    result = HERE.syscall(name, *arguments)
    return {
        "result": result,
        "buffers": [each.hex() for each in arguments if isinstance(each, bytearray)],
    }


def _make_calls(calls: list[tuple[str, list[Encoded]]]) -> list[int]:
    results: list[int] = []
    for name, arguments in calls:
        results.append(HERE.syscall(name, *map(_decoded, arguments)))
        if results[-1] < 0:
            break
    return results


def _execute(argv: list[str], environment: dict[str, str], keep: list[int]) -> Answer:
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    # Everything but the standard streams is marked, not closed: a failed execve must still
    # be able to answer.  A host descriptor that stays open inside is an escape
    # (CVE-2024-21626).
    try:
        # All of them: a limit of now says nothing of what was opened before it.
        HERE.close_range(3, 0x7FFFFFFF, k.CLOSE_RANGE_CLOEXEC)
    except KernelError as error:
        # A filter may deny it, and then no program starts with what is open here.
        return {"result": -error.errno, "buffers": [], "call": error.call}
    for fd in keep:
        os.set_inheritable(fd, True)
    path = environment.get("PATH", os.defpath)
    failure = errno.ENOENT
    if not argv[0]:
        return {"result": -failure, "buffers": []}
    for directory in path.split(":") if "/" not in argv[0] else [""]:
        try:
            os.execve(Path(directory, argv[0]), argv, environment)
        except OSError as error:
            # As execvp(3): a directory that is closed to us does not end the search.  Nor is
            # it the reason if there is no such program at all.
            if error.errno not in (errno.ENOENT, errno.ENOTDIR) and _seen(directory, argv[0]):
                failure = error.errno or failure
            if failure not in (errno.ENOENT, errno.EACCES):
                break
    return {"result": -failure, "buffers": []}


def _seen(directory: str, name: str) -> bool:
    try:
        return Path(directory, name).exists()
    except PermissionError:
        return False


def _encoded(argument: Argument) -> Encoded:
    match argument:
        case bytearray():
            return {"buffer": argument.hex()}
        case bytes():
            return {"bytes": argument.hex()}
        case Program():
            return {"program": argument.instructions.hex()}
        case _:
            return argument


def _decoded(argument: Encoded) -> Argument:
    match argument:
        case {"buffer": content}:
            return bytearray.fromhex(content)
        case {"bytes": content}:
            return bytes.fromhex(content)
        case {"program": content}:
            return Program(bytes.fromhex(content))
        case dict():
            raise ValueError("an argument is neither a buffer nor bytes")
        case _:
            return argument
