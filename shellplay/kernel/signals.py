"""Defer signals: work that must not stay half-done is not interrupted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shellplay.kernel import procfs

DEFERRED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Whether the main thread is inside a block of ``deferred``; no other thread writes it.
_deferring = False


@contextmanager
def deferred() -> Iterator[None]:
    """Deliver INT, TERM and HUP to this process after the ``with`` block, not in it.

    A ^C must not leave a bash stopped in the middle of a remote call, or forked and not yet
    recorded.  A block inside another one has no effect: the outer block delivers.
    """
    global _deferring
    # Python runs handlers in the main thread only: nothing can interrupt another thread.
    if _deferring or threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    # Handlers, not a signal mask: another thread would take a signal that is blocked here,
    # and the main thread would run its handler all the same.
    ours = [number for number in DEFERRED if signal.getsignal(number) is not None]
    before = {
        each: signal.signal(each, lambda number, _: caught.append(number)) for each in ours
    }
    _deferring = True
    try:
        yield
    finally:
        _deferring = False
        # INT last: its handler raises, and the handlers after it would not be set back.
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
            # Also if that handler raised: a ^C must not swallow the TERM behind it.
            _let_through(caught[1:])
