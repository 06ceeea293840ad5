"""The thread that reads the terminals leaves what is not its own to the main thread."""

from __future__ import annotations

import re
import signal
import threading
from pathlib import Path

import pytest

from shellplay.container.container import Container
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
