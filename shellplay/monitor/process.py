"""The playground process: the parent of every bash, and the end of everything.

It forks stubs when asked, reports which children ended, and, as the subreaper of all that
was ever started in the playground (PR_SET_CHILD_SUBREAPER, see prctl(2)), ends every
descendant when the REPL goes, however it goes.  Orphans of any kind, also those with a
session of their own, come back to the nearest subreaper: nothing can slip away.

It stays single-threaded and imports all it needs before it forks.
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
from shellplay.kernel.stub_process import serve
from shellplay.monitor.kept_modes import KeptModes
from shellplay.monitor.messages import EXITED, KEEP_MODES, READY, STUB

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

REQUEST_SIZE = 4096
# nptl(7).  Of struct sigaction every field is 0 for SIG_DFL.
RESERVED_SIGNALS = (32, 33)
DEFAULT_ACTION, SIGNAL_SET_SIZE = bytes(32), 8


def main(requests_fd: int, events_fd: int, scratch: str | None = None) -> NoReturn:
    """Serve until the REPL hangs up, then end every descendant and exit.

    ``scratch`` is the directory that everything starts in and that ends with it.
    """
    if scratch is not None:
        os.chdir(scratch)
    requests = socket.socket(fileno=requests_fd)
    events = socket.socket(fileno=events_fd)
    HERE.prctl(k.PR_SET_CHILD_SUBREAPER, 1)
    HERE.prctl(k.PR_SET_NAME, b"playground")
    set_command_line(os.getpid(), "shellplay: playground")
    wake = _wake_on_signals()
    children = wake[0]
    watched: list[socket.socket | int] = [requests, events, children]
    with suppress(BrokenPipeError):
        # Whoever wanted us may have gone already; then the loop ends at once.
        requests.send(READY)
    kept: KeptModes | None = None
    while True:
        ready, _, _ = select.select(watched, [], [])
        if requests in ready:
            request, fds = _receive(requests)
            if not request:
                break
            if request == STUB:
                _fork_stub(socket.socket(fileno=fds[0]), requests, events, *wake)
            else:
                kept = _keep_modes(kept, request, fds)
        if events in ready or (children in ready and _told_to_end(children)):
            break
        _report_ended(events)
    if kept is not None:
        kept.restore()
    _end_all(prefix(os.getpid()))
    if scratch is not None:
        _remove(scratch)
    os._exit(0)


def _end_all(cgroups: str) -> None:
    # What is frozen could not be ended; what somebody has moved in is no descendant.
    try:
        thaw(cgroups)
        end_descendants(os.getpid())
        clear(cgroups)
    except KernelError as error:
        _last_words(f"a cgroup is left behind: {error}")


def _keep_modes(before: KeptModes | None, request: bytes, fds: list[int]) -> KeptModes | None:
    if before is not None:
        before.close()
    if not request.startswith(KEEP_MODES):
        return None
    return KeptModes(fds[0], marshal.loads(request.removeprefix(KEEP_MODES)))


def _receive(requests: socket.socket) -> tuple[bytes, list[int]]:
    """Return a request and its descriptors; an empty one if the REPL has hung up."""
    try:
        request, fds, _, _ = socket.recv_fds(requests, REQUEST_SIZE, 1)
    except ConnectionResetError:
        # The REPL hung up before it had read READY.
        return b"", []
    return request, fds


def _remove(scratch: str) -> None:
    from shutil import rmtree

    os.chdir("/")
    try:
        rmtree(scratch)
    except OSError as error:
        _last_words(f"{scratch} is left behind: {error}")


def _last_words(sentence: str) -> None:
    # Nobody else is left who could say it: our standard error is the user's.
    sys.stderr.write(f"shellplay: {sentence}\n")
    sys.stderr.flush()


def _wake_on_signals() -> tuple[int, int]:
    # Terminal signals are for the REPL: it lives in the user's session, we do not.  TERM
    # and HUP mean that somebody wants this playground to end.
    readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # By posix_spawn(3) we were started with these ignored, and so would be what we start; the
    # C library, whose own they are, lets nobody set them.
    for reserved in RESERVED_SIGNALS:
        HERE.call("rt_sigaction", reserved, DEFAULT_ACTION, None, SIGNAL_SET_SIZE)
    return readable, writable


def _told_to_end(children: int) -> bool:
    received = os.read(children, 4096)
    return signal.SIGTERM in received or signal.SIGHUP in received


def _fork_stub(link: socket.socket, *ours: socket.socket | int) -> None:
    if os.fork() == 0:
        signal.set_wakeup_fd(-1)
        for each in ours:
            # With few open files allowed inside it needs their numbers.
            os.close(each if isinstance(each, int) else each.detach())
        # Should both the REPL and we be killed at once, the shells go with us.
        HERE.prctl(k.PR_SET_PDEATHSIG, int(signal.SIGKILL))
        serve(link)
    link.close()


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
            # The REPL has gone; the closed request socket ends us in the next round.
            return


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
