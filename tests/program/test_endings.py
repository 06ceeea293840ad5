"""shellplay run: how it ends, whoever is killed, and that nothing is left then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shellplay.errors import ShellGone
from shellplay.kernel import procfs
from shellplay.monitor.client import Monitor
from shellplay.playground.playground import Playground
from shellplay.playground.runtime import Runtime
from shellplay.settings import GRACE_SECONDS
from tests.families import family, wait_for_the_end
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


@pytest.mark.everyone
def test_an_interruption_before_it_has_begun_is_one_sentence(tmp_path: Path) -> None:
    fifo = tmp_path / "variables"
    os.mkfifo(fifo)
    line = [sys.executable, "-m", "shellplay", "run", "--env-file", str(fifo), "host", "true"]
    with subprocess.Popen(line, stderr=subprocess.PIPE) as process:
        writers: list[int] = []
        try:
            wait_until(lambda: opened(fifo, writers), "a reader")
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=20)
        finally:
            process.kill()
            for writer in writers:
                os.close(writer)
    assert told.decode() == "shellplay: interrupted\n"
    assert process.returncode == 128 + signal.SIGINT


def opened(fifo: Path, writers: list[int]) -> bool:
    """Open a FIFO to write to it, if somebody reads; tell whether that is so."""
    try:
        writers.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


@pytest.mark.everyone
def test_an_interruption_while_the_playground_begins_leaves_one_that_can_be_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = Runtime._listen

    def interrupted(services: Runtime) -> None:
        signal.raise_signal(signal.SIGINT)
        begun(services)

    monkeypatch.setattr(Runtime, "_listen", interrupted)
    with Playground() as playground:
        with pytest.raises(KeyboardInterrupt):
            playground.prestart()
        assert playground.playground_pid is not None


@pytest.mark.everyone
def test_a_playground_process_that_has_gone_before_it_was_ready_is_gone() -> None:
    monitor = Monitor()
    monitor.close()
    with pytest.raises(ShellGone):
        monitor.stub()


def playground_of(process: Process) -> int:
    """Return the PID of its playground process."""
    (found,) = procfs.children(process.pid)
    return found


@pytest.mark.everyone
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("init", [(), ("--init",)])
def test_a_program_hears_the_signal_that_ends_shellplay(
    init: tuple[str, ...], number: signal.Signals
) -> None:
    script = (
        f"trap 'echo heard; exit 7' {number.name[3:]}; echo ready; while :; do sleep 0.1; done"
    )
    with running(*init, "host", "sh", "-c", script) as process:
        process.send_signal(number)
        assert process.stdout is not None
        assert process.stdout.read() == b"heard\n"
        assert process.wait(20) == 7


@pytest.mark.everyone
def test_one_that_does_not_handle_it_is_not_waited_for() -> None:
    with running("host", "sh", "-c", READY) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(GRACE_SECONDS / 2) == 128 + signal.SIGTERM


def kill_both(*words: str) -> None:
    """Run a program with words, and kill what waits for it, all at once."""
    with running(*words, "host", "sh", "-c", READY) as process:
        playground = playground_of(process)
        _, *below = family(playground)
        assert below
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in (process.pid, playground):
                os.kill(pid, number)
        wait_for_the_end(below)


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
