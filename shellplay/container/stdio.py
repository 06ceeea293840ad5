"""stdin, stdout and stderr pipes of a program without a terminal."""

from __future__ import annotations

import math
import os
import select
import stat
import threading
import time
from collections.abc import Callable

from shellplay.kernel.stub import Stub

CHUNK = 65536
# A child that outlives the program may keep the pipes open for ever.
LAST_WORDS_MS = 200

Heard = Callable[[int, bytes], None]


class Stdio:
    """Our ends: ``output`` and ``errors`` are read, ``keys`` is written to if there is one.

    ``heard`` gets every piece with the number of its stream, 1 or 2.
    """

    def __init__(self, heard: Heard, *, keys: bool) -> None:
        self._heard = heard
        self.output, self._stdout = os.pipe2(os.O_CLOEXEC)
        self.errors, self._stderr = os.pipe2(os.O_CLOEXEC)
        self.keys: int | None = None
        if keys:
            self._stdin, self.keys = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(self.keys, False)
        else:
            self._stdin = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._open = {self.output: 1, self.errors: 2}
        for fd in self._open:
            os.set_blocking(fd, False)
        self._unread = b""
        self._lock = threading.Lock()

    def hand_over(self, stub: Stub, owner: int) -> None:
        """Make the other ends the standard streams of a stub, and close them here.

        The stub starts a session without a terminal.
        The ``owner``, a uid, may open them anew, as /dev/stdout.
        """
        streams = (self._stdin, self._stdout, self._stderr)
        for ours in streams if owner else ():
            if stat.S_ISFIFO(os.fstat(ours).st_mode):
                os.fchown(ours, owner, -1)
        given = stub.give_all(*streams)
        with stub.together():
            stub.setsid()
            for stream, number in enumerate(given):
                stub.dup3(number, stream)
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
        """Read one stream without waiting; return whether that was its end.

        From any thread: another one may have read it since poll(2) returned.
        """
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

    def pump(
        self,
        alive: int,
        source: int | None,
        at_end: Callable[[], None] = lambda: None,
        *,
        seconds: float = math.inf,
    ) -> None:
        """Pass output on, and keys from our descriptor ``source``, until the program ends.

        ``alive`` is its pidfd; ``at_end`` is called at its end.  No write waits for the
        program to read: it may wait for its output to be read.  Returns after ``seconds`` in
        any case.
        """
        ended, until = False, time.monotonic() + seconds
        while self._open or not ended:
            poll = select.poll()
            for fd, events in self._awaited(None if ended else source).items():
                poll.register(fd, events)
            if not ended:
                poll.register(alive, select.POLLIN)
            rest = None if seconds == math.inf else max(0, until - time.monotonic()) * 1000
            ready = [fd for fd, _ in poll.poll(LAST_WORDS_MS if ended else rest)]
            if not ready or rest == 0:
                return
            if alive in ready:
                ended = True
                at_end()
            for fd in ready:
                if fd in self._open:
                    self.read(fd)
                elif fd == self.keys:
                    self._type()
                elif fd == source and not self._take(fd):
                    self.end_keys()

    def _awaited(self, source: int | None) -> dict[int, int]:
        """Return the events to wait for: our keys only when the pipe has room for them."""
        found = dict.fromkeys(self._open, select.POLLIN)
        if self.keys is not None:
            # poll(2) reports a closed other end in any case.
            found[self.keys] = select.POLLOUT if self._unread else 0
            if source is not None and not self._unread:
                found[source] = select.POLLIN
        return found

    def _take(self, source: int) -> bool:
        self._unread = os.read(source, CHUNK)
        return bool(self._unread)

    def _type(self) -> None:
        assert self.keys is not None
        if not self._unread:
            self.end_keys()
            return
        try:
            self._unread = self._unread[os.write(self.keys, self._unread) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            # EPIPE: the program has closed its stdin.
            self.end_keys()

    def end_keys(self) -> None:
        """Close its stdin."""
        if self.keys is not None:
            os.close(self.keys)
        self.keys, self._unread = None, b""

    def close(self) -> None:
        """Close our ends."""
        self._forget()
        self.end_keys()
        with self._lock:
            self._open.clear()
            for fd in (self.output, self.errors):
                os.close(fd)
