"""The stub process: make each requested call, then become the requested program."""

from __future__ import annotations

import errno
import marshal
import os
import signal
import socket
from contextlib import suppress

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.kernel.caller import make_in_order
from shellplay.kernel.here import HERE
from shellplay.kernel.stub_messages import (
    HELLO,
    MESSAGE_SIZE,
    MOST_DESCRIPTORS,
    Answer,
    decoded,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from shellplay.kernel.stub_messages import EncodedRequest


def serve(link: socket.socket) -> NoReturn:
    """Serve requests until execve(2), or until the other end closes the socket."""
    try:
        _serve(link)
    except OSError:
        # The socket is closed, or a filter denies recvmsg(2) or sendto(2): ``Stub`` reports it.
        os._exit(1)


def _serve(link: socket.socket) -> NoReturn:
    link.send(HELLO)
    while True:
        message, fds, _, _ = socket.recv_fds(link, MESSAGE_SIZE, MOST_DESCRIPTORS)
        if not message:
            os._exit(0)
        match marshal.loads(message):
            case ("calls", calls):
                answer = _make_calls(calls)
            case ("keep",):
                # At the limit of open files the kernel drops descriptors of the message.
                answer = Answer(fds or [-errno.EMFILE])
            case ("listen",):
                answer = Answer([0])
            case ("fork",):
                child = _fork()
                if child == 0:
                    link.close()
                    link = socket.socket(fileno=fds[0])
                    link.send(HELLO)
                    continue
                os.close(fds[0])
                answer = Answer([child])
            case ("stay_as_init",):
                child = _fork()
                if child > 0:
                    link.close()
                    _reap_orphans(child)
                answer = Answer([child])
            case ("execute", argv, environment, keep, path):
                answer = _execute(argv, environment, keep, path)
            case ("execute_descriptor", argv, environment, keep):
                # As above: no descriptor has come, and we must not look for a path instead.
                answer = (
                    _execute(argv, environment, keep, fds[0])
                    if fds
                    else Answer([-errno.EMFILE], call="recvmsg")
                )
            case _:
                os._exit(2)
        link.send(answer.packed())


def _fork() -> int:
    try:
        return os.fork()
    except OSError as error:
        return -(error.errno or errno.EAGAIN)


def _reap_orphans(child: int) -> NoReturn:
    """Reap orphans and pass signals to ``child`` until it ends; exit with its status."""
    # They stay blocked, and are waited for: a handler of Python that runs right before a call
    # that waits is run only after that call.
    numbers = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    number = int(signal.SIGCHLD)
    while True:
        if number == signal.SIGCHLD:
            _reap_ended(child)
        else:
            with suppress(ProcessLookupError):
                os.kill(child, number)
        number = signal.sigwaitinfo(numbers).si_signo


def _reap_ended(child: int) -> None:
    """Reap all that have ended; if ``child`` is among them, exit with its status."""
    ended = -1
    while ended:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _make_calls(calls: list[EncodedRequest]) -> Answer:
    requests = [
        (name, tuple(map(decoded, encoded)), accepted) for name, encoded, accepted in calls
    ]
    results = make_in_order(requests, HERE.syscall)
    made = requests[: len(results)]
    buffers = [
        each for _, arguments, _ in made for each in arguments if isinstance(each, bytearray)
    ]
    return Answer(results, buffers)


def _execute(
    argv: list[str], environment: dict[str, str], keep: list[int], program: str | int | None
) -> Answer:
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    # A host descriptor that stays open inside is an escape (CVE-2024-21626).  We mark the
    # descriptors close-on-exec and do not close them: after a failed execve(2) we must answer.
    try:
        # Not only up to RLIMIT_NOFILE: descriptors may be older than the present limit.
        HERE.close_range(3, 0x7FFFFFFF, k.CLOSE_RANGE_CLOEXEC)
    except KernelError as error:
        # A filter may deny close_range(2).  Then the descriptors would leak: no program starts.
        return Answer([-error.errno], call=error.call)
    for fd in keep:
        os.set_inheritable(fd, True)
    if program is not None:
        return Answer([-_execute_file(program, argv, environment)])
    path = environment.get("PATH", os.defpath)
    failure = errno.ENOENT
    if not argv[0]:
        return Answer([-failure])
    for directory in path.split(":") if "/" not in argv[0] else [""]:
        try:
            os.execve(os.path.join(directory, argv[0]), argv, environment)
        except OSError as error:
            # As execvp(3): after EACCES the search goes on.  The error counts only if the
            # program exists in this directory.
            if error.errno not in (errno.ENOENT, errno.ENOTDIR) and _exists(directory, argv[0]):
                failure = error.errno or failure
            if failure not in (errno.ENOENT, errno.EACCES):
                break
    return Answer([-failure])


def _execute_file(program: str | int, argv: list[str], environment: dict[str, str]) -> int:
    try:
        # For a descriptor this is execveat(2).
        os.execve(program, argv, environment)
    except OSError as error:
        failure = error.errno or errno.ENOEXEC
    if isinstance(program, int) and failure == errno.EPERM:
        # A filter may deny execveat(2) and allow execve(2).
        with suppress(OSError):
            os.execve(f"/proc/self/fd/{program}", argv, environment)
    return failure


def _exists(directory: str, name: str) -> bool:
    return os.path.exists(os.path.join(directory, name))
