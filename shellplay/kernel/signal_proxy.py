"""Pass the signals that this process gets on to another one, as ``docker run`` does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# The first two cannot be caught; the others tell of our own children and our own pipes.
OURS = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGPIPE}
# These end shellplay in order, and ContainerProcess.attend passes them on.
ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
# The kernel sends these to who reads or writes a terminal in the background.
OF_TERMINAL = {signal.SIGTTIN, signal.SIGTTOU}


@contextmanager
def held(*, has_terminal: bool) -> Iterator[frozenset[int]]:
    """Hold the signals to pass on back, for the block; yield their numbers.

    ``has_terminal`` tells whether a stream of ours is a terminal.  What nobody has waited
    for is dropped at the end of the block.
    """
    numbers = {int(each) for each in signal.valid_signals() - OURS - ENDING}
    if has_terminal:
        numbers -= OF_TERMINAL
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # The & of a script ignores it for us, but the program is to hear it.
        numbers.add(signal.SIGINT)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield frozenset(numbers)
    finally:
        while signal.sigtimedwait(numbers, 0) is not None:
            continue
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def passed_on(numbers: frozenset[int], send: Callable[[int], None]) -> Iterator[None]:
    """Call ``send`` for each signal of ``held`` that comes, from a thread, for the block."""
    if not numbers:
        yield
        return
    ends = threading.Event()

    def wait() -> None:
        # No handler: one for SIGSEGV would be called again and again by a fault of our own.
        while True:
            number = signal.sigwait(numbers)
            if ends.is_set():
                return
            send(number)

    thread = threading.Thread(target=wait, name="signal proxy", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        assert thread.ident is not None
        signal.pthread_kill(thread.ident, signal.SIGURG)
        thread.join()
