"""Defer signals until the end of work that must not be interrupted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shellplay.kernel import procfs

DEFERRED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# True while the main thread is in a block of ``deferred``; only the main thread writes it.
_deferring = False


@contextmanager
def deferred() -> Iterator[None]:
    """Defer INT, TERM and HUP until the end of the ``with`` block.

    A ^C must not leave a bash stopped in a remote call, or a fork that is not recorded.  A
    nested block has no effect: the outer block delivers the signals.
    """
    global _deferring
    # Python runs handlers in the main thread only, so other threads need no block.
    if _deferring or threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    # A signal mask does not help: the kernel gives the signal to another thread, and Python
    # then runs the handler in the main thread.  So we replace the handlers.
    ours = [number for number in DEFERRED if signal.getsignal(number) is not None]
    before = {
        each: signal.signal(each, lambda number, _: caught.append(number)) for each in ours
    }
    _deferring = True
    try:
        yield
    finally:
        _deferring = False
        # INT is last: its handler may raise already here, and the loop would end.
        for number in reversed(ours):
            signal.signal(number, before[number])
        _let_through(caught)


def handles(pid: int, number: int) -> bool:
    """Tell whether a process has a handler for a signal, see proc_pid_status(5)."""
    status = procfs.status(pid)
    return status is not None and bool(status.caught >> (number - 1) & 1)


def _let_through(caught: list[int]) -> None:
    if caught:
        try:
            signal.raise_signal(caught[0])
        finally:
            # Also after an exception of the handler: a ^C must not suppress a later TERM.
            _let_through(caught[1:])
