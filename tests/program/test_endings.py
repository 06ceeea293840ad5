"""shellplay run: how it ends, whoever is killed, and that nothing is left then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shellplay.kernel import procfs
from shellplay.kernel.descendants import descendants
from tests.shell.surviving import runs
from tests.waiting import wait_until

Process = subprocess.Popen[bytes]
READY = "echo ready; exec sleep 1000"


@contextmanager
def running(*words: str) -> Iterator[Process]:
    """Start ``shellplay run`` with words, wait until its program says that it is ready."""
    line = [sys.executable, "-m", "shellplay", "run", "--network", "none", *words]
    with subprocess.Popen(
        line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


def playground_of(process: Process) -> int:
    """Return the PID of its playground process."""
    (found,) = procfs.children(process.pid)
    return found


def kill_both(*words: str) -> None:
    """Run a program with words, and kill what waits for it, all at once."""
    with running(*words, "host", "sh", "-c", READY) as process:
        playground = playground_of(process)
        family = descendants(playground)
        assert family
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in (process.pid, playground):
                os.kill(pid, number)
        wait_until(lambda: not any(map(runs, family)), f"the end of {family}")


@pytest.mark.everyone
@pytest.mark.parametrize("words", [(), ("--init",)])
def test_after_kill_9_of_both_at_once_the_program_ends(words: tuple[str, ...]) -> None:
    kill_both(*words)


@pytest.mark.root
@pytest.mark.parametrize(
    "words",
    [("-u", "4000"), ("--pid", "host"), ("--pid", "host", "--init", "-u", "4000")],
)
def test_another_user_and_one_among_the_processes_of_the_host_end_too(
    words: tuple[str, ...],
) -> None:
    kill_both(*words)
