"""Run a program beside the live bash, inside the same fences, as ``docker exec`` does."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import count
from types import FrameType

from shellplay.container.join import joined
from shellplay.container.spec import ExecSpec
from shellplay.container.state import ContainerState
from shellplay.container.stdio import Stdio
from shellplay.container.user import Account, find
from shellplay.errors import ShellGone
from shellplay.fences.rootfs.build import may_see_below_mounts
from shellplay.kernel.caller import Caller
from shellplay.kernel.pidfd import pidfd
from shellplay.kernel.poll import readable
from shellplay.kernel.stub import Stub
from shellplay.shell.attach import Relay
from shellplay.shell.devpts import replace_pty
from shellplay.shell.osc133 import Mark
from shellplay.shell.spawn import REMOVED, take_terminal
from shellplay.shell.terminal import Terminal

CHUNK = 65536
MOST_INTERRUPTS = 3


def execute(
    state: ContainerState,
    argv: list[str],
    spec: ExecSpec,
    *,
    terminal: bool,
    surround: Callable[[Caller, Account | None], None],
    shown: Callable[[bytes], bytes] = bytes,
) -> int:
    """Run ``argv`` inside every fence of the live bash and wait; return its exit status.

    ``surround`` puts the fences that are not namespaces around it, and makes it a user, or
    raises.  With a ``terminal`` it gets one of its own, which is connected with ours if there
    is one; otherwise its output is copied as ``shown`` makes it.  128+n means that signal n
    ended it.  A detached one returns 0 at once.  Raises KernelError if it cannot be joined or
    executed, Refused and UsageError for a user that there is not.
    """
    monitor, live = state.monitor, state.live
    with ExitStack() as held:
        stub = joined(monitor.stub(), live, spec.directory, held)
        account = state.account if spec.user is None else find(live.pid, spec.user)
        change = _environment(state, spec, account)
        removed, fresh = (REMOVED, False) if state.environment is None else ((), True)
        if terminal:
            change["TERM"] = state.terminal.term
        start = partial(stub.execute, argv, change=change, remove=removed, fresh=fresh)
        output = state.settings.surroundings.output
        sink = sys.stdout.fileno() if output is None else output
        own: Terminal | None = None
        stdio: Stdio | None = None
        if terminal and not spec.detached:
            own = Terminal(term=state.terminal.term)
            held.callback(own.close)
            replace_pty(stub, own)
        elif spec.keys is not None and not spec.detached:
            stdio = Stdio(lambda _, piece: _show(sink, shown(piece)), keys=True)
            held.callback(stdio.close)
            stdio.hand_over(stub, _owner(stub, account))
        else:
            # Its process group must not be that of the monitor: signals to a group pass
            # namespaces.  Now: a filter may deny it later.
            stub.setsid()
        surround(stub, account)
        if spec.detached:
            _on_nothing(stub, start)
            return 0
        with _interrupts_passed_on(stub.pid):
            if own is not None:
                _on_terminal(state, stub, start, own, sink)
            elif stdio is not None:
                start()
                with pidfd(stub.pid) as alive:
                    stdio.pump(alive, spec.keys)
            else:
                _on_pipe(stub, start, sink, shown)
            return monitor.exit_status_of(stub.pid)


def _environment(
    state: ContainerState, spec: ExecSpec, account: Account | None
) -> dict[str, str]:
    """Return the variables that a program gets, or that change ours for it."""
    variables = dict(state.environment or {}) | dict(spec.environment)
    own = state.spec.environment.get("HOME") if state.spec else None
    if account is not None and spec.user is not None and not own:
        variables["HOME"] = spec.environment.get("HOME") or account.home
    if account is not None:
        variables["HOME"] = variables.get("HOME") or account.home
    return variables


def _owner(stub: Stub, account: Account | None) -> int:
    """Return the UID that may open its streams by their paths."""
    return account.uid if account and may_see_below_mounts(stub) else 0


def _on_nothing(stub: Stub, start: Callable[[], None]) -> None:
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        number = stub.give(null)
    finally:
        os.close(null)
    for stream in range(3):
        stub.dup3(number, stream)
    start()


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
    state: ContainerState, stub: Stub, start: Callable[[], None], own: Terminal, sink: int
) -> None:
    relay = Relay(own, state.settings.detach_key) if sys.stdin.isatty() else None
    take_terminal(stub, own)
    start()
    with pidfd(stub.pid) as alive:
        if relay is not None and state.settings.surroundings.output is None:
            with state.monitor.modes_kept(relay.keys):
                relay.run(alive, b"")
            return
        with own.watched(lambda piece: None if isinstance(piece, Mark) else _show(sink, piece)):
            # It may close its terminal before it ends.
            with suppress(ShellGone):
                own.wait(lambda: False, timeout=None, alive=alive)
            readable(alive, math.inf)
            while own.read() > 0:
                continue


def _show(sink: int, piece: bytes) -> None:
    sys.stdout.flush()
    view = memoryview(piece)
    while view:
        view = view[os.write(sink, view) :]
