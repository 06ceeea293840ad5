"""The pty reader: a thread that reads all idle terminals and watches pidfds.

The buffer of a pty has 4 KiB.  If no thread reads it, the kernel blocks the program that
writes, as if a fence had stopped the program.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack

from shellplay.shell.terminal import HANGUP, Terminal


class PtyReader:
    """A background thread with epoll(7); any thread may call the methods."""

    def __init__(self) -> None:
        self._actions: dict[int, Callable[[], bool]] = {}
        # A descriptor may be closed as soon as ``unwatch`` has returned, so no other thread may
        # be between the action and the epoll then.
        self._lock = threading.Lock()
        with ExitStack() as opened:
            self._epoll = opened.enter_context(select.epoll())
            self._wake_reader, self._wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            opened.callback(os.close, self._wake_reader)
            opened.callback(os.close, self._wake_writer)
            self._epoll.register(self._wake_reader, select.EPOLLIN)
            self._thread = threading.Thread(target=self._run, name="pty-reader", daemon=True)
            self._thread.start()
            self._opened = opened.pop_all()

    def watch(self, fd: int, action: Callable[[], bool]) -> None:
        """Call ``action`` each time ``fd`` is readable, until the action returns True.

        An action must not block.
        """
        with self._lock:
            self._actions[fd] = action
            self._epoll.register(fd, select.EPOLLIN)

    def unwatch(self, fd: int) -> None:
        """Stop watching ``fd``; it is not an error if it is not watched."""
        with self._lock:
            if self._actions.pop(fd, None) is not None:
                self._epoll.unregister(fd)

    def _unwatch_after(self, fd: int, action: Callable[[], bool]) -> None:
        """Stop watching ``fd``, unless its number is that of another file by now."""
        with self._lock:
            if self._actions.get(fd) is action:
                del self._actions[fd]
                self._epoll.unregister(fd)

    def add(self, terminal: Terminal) -> None:
        """Begin to read a terminal, until it hangs up."""
        self.watch(terminal.master, lambda: terminal.read() == HANGUP)

    def remove(self, terminal: Terminal) -> None:
        """Stop reading a terminal; it is not an error if it is not read."""
        self.unwatch(terminal.master)
        with terminal.lock:
            pass  # Wait until the thread has finished a read.

    def close(self) -> None:
        """End the thread."""
        os.write(self._wake_writer, b".")
        self._thread.join()
        self._opened.close()

    def _run(self) -> None:
        # Python runs handlers in the main thread only.  If the kernel gives a signal to this
        # thread, the main thread stays in its system call.  So we block all signals here.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            for fd, _ in self._epoll.poll():
                if fd == self._wake_reader:
                    return
                action = self._actions.get(fd)
                if action is not None and action():
                    self._unwatch_after(fd, action)
