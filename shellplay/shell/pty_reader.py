"""The pty reader: one thread that reads all idle terminals and watches pidfds.

A pty that is not read blocks its writer after 4 KiB: a ``yes`` in a container would freeze
and look as if a fence had stopped it.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shellplay.shell.terminal import HANGUP, Terminal


class PtyReader:
    """A background thread over epoll(7); all methods may be called from any thread."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._actions: dict[int, Callable[[], bool]] = {}
        self._wake_reader, self._wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._epoll.register(self._wake_reader, select.EPOLLIN)
        self._thread = threading.Thread(target=self._run, name="pty-reader", daemon=True)
        self._thread.start()

    def watch(self, fd: int, action: Callable[[], bool]) -> None:
        """Call ``action`` whenever ``fd`` is readable, until it returns True.

        An action must not block; False means that it wants to be called again.
        """
        self._actions[fd] = action
        self._epoll.register(fd, select.EPOLLIN)

    def forget(self, fd: int) -> None:
        """Stop watching ``fd``; nothing happens if it is not watched."""
        if self._actions.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def add(self, terminal: Terminal) -> None:
        """Begin to read a terminal."""

        self.watch(terminal.master, lambda: terminal.read() == HANGUP)

    @contextmanager
    def leased(self, terminal: Terminal) -> Iterator[None]:
        """Leave reading a terminal to the caller for the ``with`` block."""
        fd = terminal.master
        self.forget(fd)
        with terminal.lock:
            pass  # The thread may be in the middle of reading it: wait until it is out.
        try:
            yield
        finally:
            self.add(terminal)

    def close(self) -> None:
        """End the thread."""
        os.write(self._wake_writer, b".")
        self._thread.join()
        self._epoll.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def _run(self) -> None:
        # Python acts on a signal in the main thread only.  One that the kernel gives to this
        # thread, since that one has another in hand, would not wake it.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            for fd, _ in self._epoll.poll():
                if fd == self._wake_reader:
                    return
                action = self._actions.get(fd)
                # Meanwhile the number may have become that of something else.
                if action is not None and action() and self._actions.get(fd) is action:
                    self.forget(fd)
