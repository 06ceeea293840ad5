"""Pass on the output of programs of the host, piece by piece, as it arrives."""

from __future__ import annotations

import codecs
import os
import select
import threading
from collections.abc import Callable

CHUNK = 1 << 16


class HostOutput:
    """A pipe that programs write into; a thread reads it and calls ``show`` with the text.

    ``fd`` is the end for programs.  Only one thread calls ``show`` at a time.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._readable, self.fd = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._readable, False)
        self._wake, self._end = os.pipe2(os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._thread = threading.Thread(target=self._read_until_closed, name="tee", daemon=True)
        self._thread.start()

    def flush(self) -> None:
        """Pass on all text that is in the pipe now."""
        with self._lock:
            while self._pass_on():
                continue

    def close(self) -> None:
        """End the thread and close the pipe; later writes of programs fail with EPIPE."""
        os.close(self._end)
        self._thread.join()
        for fd in (self._readable, self._wake, self.fd):
            os.close(fd)

    def _pass_on(self) -> bool:
        try:
            chunk = os.read(self._readable, CHUNK)
        except BlockingIOError:
            return False
        self._show(self._decoder.decode(chunk))
        return bool(chunk)

    def _read_until_closed(self) -> None:
        poll = select.poll()
        poll.register(self._readable, select.POLLIN)
        poll.register(self._wake, select.POLLHUP)
        while self._wake not in dict(poll.poll()):
            with self._lock:
                self._pass_on()
