"""The thread that reads the terminals leaves what is not its own to the main thread."""

from __future__ import annotations

import os
import re
import select
import signal
import threading
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.shell.pty_reader import PtyReader
from tests.waiting import wait_until


@pytest.mark.usefixtures("container")
def test_no_signal_is_given_to_it() -> None:
    reader = next(each for each in threading.enumerate() if each.name == "pty-reader")
    status = Path(f"/proc/self/task/{reader.native_id}/status")

    def blocked() -> int:
        found = re.search(r"^SigBlk:\t(\w+)$", status.read_text(), re.MULTILINE)
        assert found
        return int(found[1], 16)

    wanted = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP, signal.SIGWINCH}
    wait_until(lambda: all(blocked() >> number - 1 & 1 for number in wanted), "its mask")


def test_a_bash_does_not_inherit_that_its_signals_wait(container: Container) -> None:
    assert container.run("grep SigBlk /proc/self/status").output == f"SigBlk:\t{0:016x}\n"


class Slow:
    """An epoll whose reader thread is overtaken between its decision and its system call."""

    def __init__(self, epoll: select.epoll) -> None:
        self._epoll = epoll
        self.reached, self.closed = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._epoll, name)

    def unregister(self, fd: int) -> None:
        if threading.current_thread().name == "pty-reader":
            self.reached.set()
            self.closed.wait(0.2)
        self._epoll.unregister(fd)


def test_a_file_may_be_closed_as_soon_as_it_is_not_watched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = PtyReader()
    slow = Slow(reader._epoll)
    monkeypatch.setattr(reader, "_epoll", slow)
    try:
        readable, writable = os.pipe()
        reader.watch(readable, lambda: True)
        os.close(writable)
        wait_until(slow.reached.is_set, "the thread that stops watching it")
        reader.unwatch(readable)
        os.close(readable)
        slow.closed.set()
        assert reader._thread.is_alive()
    finally:
        reader.close()
