"""The monitor: the process that is the parent of every bash, and ends all of them.

It forks stubs on request and reports which children have ended.  It is the subreaper of the
playground (PR_SET_CHILD_SUBREAPER, see prctl(2)): the kernel makes it the parent of every
orphan, also of one in another session.  So it can end each descendant once the REPL has
ended, also if the REPL was killed.

It has one thread, and imports all modules before it forks: a stub cannot import any inside.
"""

from __future__ import annotations

import marshal
import os
import select
import signal
import socket
import sys
from contextlib import suppress

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.kernel.cgroup.group import clear, prefix, thaw
from shellplay.kernel.here import HERE
from shellplay.kernel.proc_write import set_command_line
from shellplay.kernel.process_tree import end_descendants
from shellplay.kernel.shortage import user_error
from shellplay.kernel.stub_messages import REFUSAL
from shellplay.kernel.stub_process import serve
from shellplay.monitor.kept_modes import KeptModes
from shellplay.monitor.messages import (
    EVENTS_FD,
    EXITED,
    KEEP_MODES,
    READY,
    REQUESTS_FD,
    STUB,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

REQUEST_SIZE = 4096
# How often the monitor tries to clean up.
ATTEMPTS = 3
# nptl(7).  Of struct sigaction every field is 0 for SIG_DFL.
RESERVED_SIGNALS = (32, 33)
DEFAULT_ACTION, SIGNAL_SET_SIZE = bytes(32), 8


def main(scratch: str | None = None) -> NoReturn:
    """Serve until the REPL closes its sockets, then end every descendant and exit.

    ``scratch`` is the working directory of all descendants; the monitor removes it at the end.
    """
    requests = socket.socket(fileno=REQUESTS_FD)
    events = socket.socket(fileno=EVENTS_FD)
    try:
        wake = _prepare(scratch)
        requests.send(READY)
    except (OSError, KernelError) as error:
        _send(requests, str(user_error(error)).encode())
        os._exit(1)
    try:
        _serve(requests, events, wake)
    except Exception as error:
        # Whatever has failed here, what was started must not outlive this process.
        _print_error(str(user_error(error)))
    _insist(_end_all, "a process or a cgroup")
    if scratch is not None:
        _insist(lambda: _remove_tree(scratch), scratch)
    os._exit(0)


def _prepare(scratch: str | None) -> tuple[int, int]:
    """Become the parent of all orphans; return the ends of the pipe that signals write to."""
    if scratch is not None:
        os.chdir(scratch)
    HERE.prctl(k.PR_SET_CHILD_SUBREAPER, 1)
    HERE.prctl(k.PR_SET_NAME, b"playground")
    set_command_line(os.getpid(), "shellplay: playground")
    return _wake_on_signals()


def _serve(requests: socket.socket, events: socket.socket, wake: tuple[int, int]) -> None:
    """Serve until the REPL hangs up, or a signal asks for the end."""
    children = wake[0]
    watched: list[socket.socket | int] = [requests, events, children]
    kept: KeptModes | None = None
    try:
        while True:
            ready, _, _ = select.select(watched, [], [])
            if requests in ready:
                request, fds = _receive(requests)
                if not request:
                    return
                if request != STUB:
                    kept = _keep_modes(kept, request, fds)
                elif fds:
                    _fork_stub(socket.socket(fileno=fds[0]), requests, events, *wake)
            if events in ready or (children in ready and _asked_to_end(children)):
                return
            _report_ended(events)
    finally:
        if kept is not None:
            kept.restore()


def _send(link: socket.socket, message: bytes) -> None:
    # If it does not arrive, the REPL reads the end of this socket, or has ended itself.
    with suppress(OSError):
        link.send(message)


def _insist(cleanup: Callable[[], None], left: str) -> None:
    """Clean up, and try it again: a call that fails once must leave nothing behind.

    ``left`` are the words for what is left behind if it fails each time.
    """
    for attempt in range(ATTEMPTS):
        try:
            cleanup()
        except (OSError, ImportError, KernelError) as error:
            if attempt == ATTEMPTS - 1:
                _print_error(f"{left} is left behind: {user_error(error)}")
        else:
            return


def _end_all() -> None:
    # A frozen process does not die (cgroup v1), so thaw comes first.  A process that was moved
    # into a cgroup of ours need not be a descendant: clear kills it, too.
    cgroups = prefix(os.getpid())
    thaw(cgroups)
    left = end_descendants(os.getpid())
    clear(cgroups)
    if left:
        _print_error(f"processes that could not be ended: {', '.join(map(str, left))}")


def _keep_modes(before: KeptModes | None, request: bytes, fds: list[int]) -> KeptModes | None:
    if before is not None:
        before.close()
    if not request.startswith(KEEP_MODES) or not fds:
        return None
    return KeptModes(fds[0], *marshal.loads(request.removeprefix(KEEP_MODES)))


def _receive(requests: socket.socket) -> tuple[bytes, list[int]]:
    """Return a request and its descriptors; an empty one if the REPL has hung up."""
    # At the limit of open files the kernel drops the descriptor of the message.
    try:
        request, fds, _, _ = socket.recv_fds(requests, REQUEST_SIZE, 1)
    except ConnectionResetError:
        # The REPL hung up before it had read READY.
        return b"", []
    return request, fds


def _remove_tree(scratch: str) -> None:
    from shutil import rmtree

    os.chdir("/")
    if os.path.exists(scratch):
        rmtree(scratch)


def _print_error(sentence: str) -> None:
    # The REPL has ended, so it cannot print the error; this standard error is the user's.
    with suppress(OSError):
        sys.stderr.write(f"shellplay: {sentence}\n")
        sys.stderr.flush()


def _wake_on_signals() -> tuple[int, int]:
    # The terminal sends its signals to the session of the REPL, and the monitor has another
    # one.  SIGTERM and SIGHUP ask the monitor to end the playground.
    readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # posix_spawn(3) has left these signals ignored, and execve(2) would pass that on to each
    # bash.  The C library reserves them and lets no program set them, the kernel does.
    for reserved in RESERVED_SIGNALS:
        HERE.call("rt_sigaction", reserved, DEFAULT_ACTION, None, SIGNAL_SET_SIZE)
    return readable, writable


def _asked_to_end(children: int) -> bool:
    received = os.read(children, 4096)
    return signal.SIGTERM in received or signal.SIGHUP in received


def _fork_stub(link: socket.socket, *ours: socket.socket | int) -> None:
    with link:
        try:
            child = os.fork()
        except OSError as error:
            _send(link, REFUSAL.pack(error.errno))
            return
        if child == 0:
            _become_stub(link, *ours)


def _become_stub(link: socket.socket, *ours: socket.socket | int) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        for each in ours:
            # A stub needs their numbers if its limit of open files (RLIMIT_NOFILE) is low.
            os.close(each if isinstance(each, int) else each.detach())
        # If the REPL and the monitor are killed at once, the kernel kills the shells.
        HERE.prctl(k.PR_SET_PDEATHSIG, int(signal.SIGKILL))
        serve(link)
    finally:
        # It must never go on as a second monitor; the REPL reads that it has ended.
        os._exit(1)


def _report_ended(events: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        try:
            events.send(EXITED.pack(pid, status))
        except OSError:
            # The REPL has ended; the next round reads the end of its requests.
            return
