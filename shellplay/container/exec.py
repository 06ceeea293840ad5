"""Run a program beside the live bash, inside the same fences, as ``docker exec`` does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import count
from types import FrameType

from shellplay.errors import ShellplayError
from shellplay.kernel import credentials, namespaces
from shellplay.kernel.caller import Caller
from shellplay.kernel.pidfd import pidfd
from shellplay.kernel.stub import Stub
from shellplay.monitor.client import Monitor
from shellplay.shell.attach import Relay
from shellplay.shell.shell import Shell
from shellplay.shell.spawn import REMOVED, take_terminal
from shellplay.shell.terminal import Terminal

CHUNK = 65536
MOST_INTERRUPTS = 3


def execute(
    monitor: Monitor,
    live: Shell,
    argv: list[str],
    *,
    term: str | None,
    detach_key: str,
    surround: Callable[[Caller], None],
    output: int | None = None,
    shown: Callable[[bytes], bytes] = bytes,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run ``argv`` inside every fence of ``live`` and wait; return its exit status.

    ``surround`` puts the fences that are no namespaces around it, or raises.  With a
    ``term`` it gets such a terminal of its own, connected with ours; otherwise its output is
    copied to ``output``, or to ours, as ``shown`` makes it.  It gets ``environment`` alone, or
    ours if that is None.  128+n means that signal n ended it.  Raises KernelError if it cannot
    be joined or executed.
    """
    with ExitStack() as stubs:
        stub = _inside(monitor.stub(), live, stubs)
        change = dict(environment or {}) | ({"TERM": term} if term else {})
        removed, fresh = (REMOVED, False) if environment is None else ((), True)
        start = partial(stub.execute, argv, change=change, remove=removed, fresh=fresh)
        if not term:
            # Its process group must not be that of the monitor: signals to a group pass
            # namespaces.  Now: a filter may deny it later.
            stub.setsid()
        surround(stub)
        with _interrupts_passed_on(stub.pid):
            if term:
                _on_terminal(monitor, stub, start, term, detach_key)
            else:
                ours = sys.stdout.fileno() if output is None else output
                _on_pipe(stub, start, ours, shown)
            return monitor.exit_status_of(stub.pid)


def _inside(stub: Stub, live: Shell, stubs: ExitStack) -> Stub:
    """Join every namespace of a bash; return the stub that is inside.

    ``stubs`` ends it and those before it; once it is a program that has no effect.
    """
    stubs.callback(stub.quit)
    # Before setns(2): a process with privileges inside could read its memory afterwards.
    stub.set_undumpable()
    wanted = namespaces.identities(live.pid)
    now = namespaces.identities(stub.pid)
    flags = sum(namespaces.CLONE_FLAGS[kind] for kind in wanted if wanted[kind] != now[kind])
    if flags:
        with stub.passed(live.pidfd) as number:
            # By a pidfd setns(2) joins all of them or none, in the order of the kernel.
            stub.setns(number, flags, of=live.pid)
        credentials.become_mapped(stub)
    _go_to_its_directory(stub, live)
    if wanted["pid"] != now["pid"]:
        with stub.forked() as (copy, _):
            assert isinstance(copy, Stub)
        stubs.callback(copy.quit)
        stub.quit()
        stub = copy
    if namespaces.identities(stub.pid) != wanted:
        raise ShellplayError("the program did not get into every fence, so it was not run")
    return stub


def _go_to_its_directory(stub: Stub, live: Shell) -> None:
    # By descriptor: the directory of bash may be deleted, or below one that the stub may
    # not search, and then no path leads to it.
    path = f"/proc/{live.pid}/cwd"
    directory = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with stub.passed(directory) as number:
            stub.fchdir(number, of=path)
    finally:
        os.close(directory)


def _on_pipe(
    stub: Stub, start: Callable[[], None], output: int, shown: Callable[[bytes], bytes]
) -> None:
    readable, writable = os.pipe2(os.O_CLOEXEC)
    try:
        try:
            number = stub.give(writable)
        finally:
            os.close(writable)
        for stream in (1, 2):
            stub.dup3(number, stream)
        start()
        while chunk := os.read(readable, CHUNK):
            sys.stdout.flush()
            os.write(output, shown(chunk))
    finally:
        os.close(readable)


@contextmanager
def _interrupts_passed_on(session: int) -> Iterator[None]:
    """Send each ^C to a program in a session of its own; the third one kills it."""
    if threading.current_thread() is not threading.main_thread():
        # Python runs handlers in the main thread only: nothing interrupts another one.
        yield
        return
    heard = count(1)
    before = signal.getsignal(signal.SIGINT)

    def pass_on(interrupt: int, frame: FrameType | None) -> None:
        # The watchdog of a recipe counts each interrupt that it has raised.
        with suppress(KeyboardInterrupt):
            if callable(before):
                before(interrupt, frame)
        number = signal.SIGINT if next(heard) < MOST_INTERRUPTS else signal.SIGKILL
        # ESRCH: the session has ended just now.
        with suppress(ProcessLookupError):
            os.killpg(session, number)

    signal.signal(signal.SIGINT, pass_on)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _on_terminal(
    monitor: Monitor, stub: Stub, start: Callable[[], None], term: str, detach_key: str
) -> None:
    own = Terminal(term=term)
    relay = Relay(own, detach_key)
    try:
        take_terminal(stub, own)
        start()
        with pidfd(stub.pid) as alive, monitor.modes_kept(relay.keys):
            relay.run(alive, lambda: None, b"")
    finally:
        own.close()
