"""What programs of the host print, shown as it comes to whoever is to hear of it."""

from __future__ import annotations

import codecs
import os
import select
import threading
from collections.abc import Callable

CHUNK = 1 << 16


class Tee:
    """A pipe that programs print into; what comes out is handed on by a thread.

    ``fd`` is for programs.  ``show`` is called by one thread at a time.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._readable, self.fd = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._readable, False)
        self._wake, self._end = os.pipe2(os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._thread = threading.Thread(target=self._pump, name="tee", daemon=True)
        self._thread.start()

    def settle(self) -> None:
        """Hand everything on that was printed until now."""
        with self._lock:
            while self._pass_on():
                continue

    def close(self) -> None:
        """End the thread; what programs print from now on goes nowhere."""
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

    def _pump(self) -> None:
        poll = select.poll()
        poll.register(self._readable, select.POLLIN)
        poll.register(self._wake, select.POLLHUP)
        while self._wake not in dict(poll.poll()):
            with self._lock:
                self._pass_on()
