"""The pipes of a program that has no terminal: what it prints, and what it is told."""

from __future__ import annotations

import os
import select
import stat
import threading
from collections.abc import Callable

from shellplay.kernel.stub import Stub

CHUNK = 65536
# A child that outlives the program may hold the pipes for ever.
LAST_WORDS_MS = 200

Heard = Callable[[int, bytes], None]


class Streams:
    """Our ends: ``output`` and ``errors`` are read, ``keys`` is written to if there is one.

    ``heard`` is told every piece with the number of its stream, 1 or 2.  Whoever reads may
    have been waiting for it beside another: then one of them finds nothing, and goes on.
    """

    def __init__(self, heard: Heard, *, keys: bool) -> None:
        self._heard = heard
        self.output, self._stdout = os.pipe2(os.O_CLOEXEC)
        self.errors, self._stderr = os.pipe2(os.O_CLOEXEC)
        self.keys: int | None = None
        if keys:
            self._stdin, self.keys = os.pipe2(os.O_CLOEXEC)
        else:
            self._stdin = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._open = {self.output: 1, self.errors: 2}
        self._lock = threading.Lock()
        for fd in self.open:
            os.set_blocking(fd, False)

    def hand_over(self, stub: Stub, owner: int) -> None:
        """Make their ends the standard streams of a stub; we forget them.

        Who owns them may open them anew, as /dev/stdout.
        """
        for stream, ours in enumerate((self._stdin, self._stdout, self._stderr)):
            if owner and stat.S_ISFIFO(os.fstat(ours).st_mode):
                os.fchown(ours, owner, -1)
            stub.dup3(stub.give(ours), stream)
        self._forget()

    def _forget(self) -> None:
        for fd in (self._stdin, self._stdout, self._stderr):
            if fd >= 0:
                os.close(fd)
        self._stdin = self._stdout = self._stderr = -1

    @property
    def open(self) -> tuple[int, ...]:
        """The descriptors that may still bring output."""
        return tuple(self._open)

    def read(self, fd: int) -> bool:
        """Take in what there is of one stream; return whether that was its end."""
        with self._lock:
            if fd not in self._open:
                return True
            try:
                chunk = os.read(fd, CHUNK)
            except BlockingIOError:
                return False
            if chunk:
                self._heard(self._open[fd], chunk)
                return False
            del self._open[fd]
            return True

    def pump(self, alive: int, keys: int | None) -> None:
        """Pass output on, and keys from a descriptor of ours, until the program has ended.

        ``alive`` is its pidfd.
        """
        poll = select.poll()
        poll.register(alive, select.POLLIN)
        for fd in self.open:
            poll.register(fd, select.POLLIN)
        if keys is not None and self.keys is not None:
            poll.register(keys, select.POLLIN)
        ended = False
        while self._open or not ended:
            ready = [fd for fd, _ in poll.poll(LAST_WORDS_MS if ended else None)]
            if ended and not ready:
                return
            for fd in ready:
                if fd == alive:
                    ended = True
                    poll.unregister(alive)
                elif fd == keys:
                    if not self._type(keys):
                        poll.unregister(keys)
                elif self.read(fd):
                    poll.unregister(fd)

    def _type(self, source: int) -> bool:
        assert self.keys is not None
        keys = os.read(source, CHUNK)
        try:
            while keys:
                keys = keys[os.write(self.keys, keys) :]
                if not keys:
                    return True
        except BrokenPipeError:
            pass  # It reads no more, which is its own affair.
        os.close(self.keys)
        self.keys = None
        return False

    def close(self) -> None:
        """Close our ends."""
        self._forget()
        with self._lock:
            for fd in (self.output, self.errors, self.keys):
                if fd is not None:
                    os.close(fd)
            self.keys = None
            self._open.clear()
