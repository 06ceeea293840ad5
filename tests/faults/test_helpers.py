"""The processes that work for the REPL say why they cannot start, and wait for a while only."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from shellplay.errors import ShellGone, TimedOut
from shellplay.kernel import python_child
from shellplay.monitor.client import Monitor
from shellplay.network import bridge_process
from shellplay.settings import Surroundings
from tests.repl.program import shellplay


def test_the_scratch_directory_of_a_killed_monitor_is_removed(tmp_path: Path) -> None:
    # What stays in TMPDIR, the check for leftovers of each test finds.
    lines = f"record start {tmp_path}/r.play.md\nnew a\n!kill -9 $PPID; true\nrecord stop\n"
    done = shellplay("-k", "-", typed=lines.encode())
    assert "Traceback" not in done.stderr
    assert f"{tmp_path}/r.play.md: 2 steps" in done.stderr


def test_a_monitor_that_cannot_start_says_why() -> None:
    monitor = Monitor(Surroundings(scratch="/nowhere"))
    try:
        with pytest.raises(ShellGone, match="could not start: No such file"):
            monitor.stub()
    finally:
        monitor.close()


def test_a_module_that_cannot_be_loaded_is_told_over_the_socket() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        pid = python_child.start("shellplay.nowhere", [], [theirs.fileno()], os.environ)
        assert ours.recv(1000) == b"No module named 'shellplay.nowhere'"
        os.waitpid(pid, 0)


def test_a_python_that_cannot_start_writes_nothing_to_the_terminal() -> None:
    program = (
        "from shellplay.kernel import interpreter, python_child; import os;"
        "interpreter.command = lambda code, *words: ['/bin/sh', '-c', 'echo oops >&2'];"
        "import sys; sys.executable = '/bin/sh';"
        "os.waitpid(python_child.start('os', [], [], os.environ), 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_a_wait_for_the_lock_of_another_playground_has_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_process, "LIMIT_SECONDS", 1)
    before = signal.signal(signal.SIGALRM, bridge_process._give_up)
    try:
        with (tmp_path / "gate").open("w") as held, (tmp_path / "gate").open("w") as wanted:
            fcntl.flock(held, fcntl.LOCK_EX)
            with pytest.raises(TimedOut, match="for 1 seconds"), bridge_process._limited():
                fcntl.flock(wanted, fcntl.LOCK_EX)
    finally:
        signal.signal(signal.SIGALRM, before)
