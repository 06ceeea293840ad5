"""Pass on the output of programs of the host, piece by piece, as it arrives."""

from __future__ import annotations

import codecs
import os
import select
import threading
from collections.abc import Callable
from contextlib import ExitStack

CHUNK = 1 << 16


class HostOutput:
    """A pipe that programs write into; a thread reads it and calls ``show`` with the text.

    ``fd`` is the end for programs.  Only one thread calls ``show`` at a time.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._lock = threading.Lock()
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        with ExitStack() as opened:
            self._readable, self.fd = _pipe(opened)
            os.set_blocking(self._readable, False)
            self._wake, self._end = _pipe(opened)
            self._thread = threading.Thread(
                target=self._read_until_closed, name="tee", daemon=True
            )
            self._thread.start()
            self._opened = opened.pop_all()

    def flush(self) -> None:
        """Pass on all text that is in the pipe now."""
        with self._lock:
            while self._pass_on():
                continue

    def close(self) -> None:
        """End the thread and close the pipe; later writes of programs fail with EPIPE."""
        os.write(self._end, b".")
        self._thread.join()
        self._opened.close()

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
        poll.register(self._wake, select.POLLIN)
        while self._wake not in dict(poll.poll()):
            with self._lock:
                self._pass_on()


def _pipe(opened: ExitStack) -> tuple[int, int]:
    """Open a pipe that is closed with ``opened``."""
    ends = os.pipe2(os.O_CLOEXEC)
    for fd in ends:
        opened.callback(os.close, fd)
    return ends
