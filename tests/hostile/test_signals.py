"""Signals from inside reach what is inside."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress

import pytest

from shellplay.container.container import Container
from shellplay.errors import ShellplayError
from shellplay.fences import REGISTRY
from shellplay.kernel import procfs
from shellplay.kernel.process_tree import running
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
PATIENCE = 5.0
# Behind a pid fence, too: a process group does not end at a namespace.
FENCED = pytest.mark.parametrize("kinds", [(), ("user", "pid")], ids=["bare", "fenced"])
GO_ON = (
    "exec 5< <(exec setsid bash -c 'echo; sleep 0.1; kill -CONT -- -'$$); "
    "read -u 5; kill -STOP 0; echo on"
)


@FENCED
@pytest.mark.parametrize("name", ["TERM", "KILL", "HUP", "INT"])
def test_a_program_ends_its_own_group_alone(
    name: str, kinds: tuple[str, ...], container: Container
) -> None:
    for kind in kinds:
        container.fence(REGISTRY[kind]())
    with suppress(ShellplayError):
        container.exec(["sh", "-c", f"kill -{name} 0"], terminal=False)
    assert not container.monitor.gone
    assert _alive(container)


@FENCED
def test_a_program_stops_its_own_group_alone(
    kinds: tuple[str, ...], container: Container
) -> None:
    for kind in kinds:
        container.fence(REGISTRY[kind]())
    found: list[int] = []
    words = ["bash", "-c", GO_ON]
    work = threading.Thread(
        target=lambda: found.append(container.exec(words, terminal=False)), daemon=True
    )
    work.start()
    work.join(PATIENCE)
    hangs = work.is_alive()
    for pid in (container.monitor.pid, *running(container.monitor.pid)):
        os.kill(pid, signal.SIGCONT)
    work.join(PATIENCE)
    assert not hangs
    assert found == [0]


def test_a_control_c_reaches_the_program_that_runs_beside(container: Container) -> None:
    def interrupt() -> None:
        wait_until(lambda: "sleep" in _names(container), "it runs")
        os.kill(os.getpid(), signal.SIGINT)

    typist = threading.Thread(target=interrupt)
    typist.start()
    try:
        status = container.exec(["sleep", "1000"], terminal=False)
    finally:
        typist.join()
    assert status == 128 + signal.SIGINT
    wait_until(lambda: "sleep" not in _names(container), "its end")


def test_who_does_not_hear_the_first_two_is_killed_by_the_third(container: Container) -> None:
    def interrupt() -> None:
        wait_until(lambda: "sleep" in _names(container), "it runs")
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
            with suppress(AssertionError):
                wait_until(lambda: "sleep" not in _names(container), timeout=0.3)

    typist = threading.Thread(target=interrupt)
    typist.start()
    try:
        words = ["sh", "-c", "trap '' INT; sleep 1000"]
        assert container.exec(words, terminal=False) == 128 + signal.SIGKILL
    finally:
        typist.join()


def test_behind_pid_nobody_outside_is_heard(container: Container) -> None:
    for kind in ("user", "pid", "mnt"):
        container.fence(REGISTRY[kind]())
    container.run("kill -STOP -1; kill -TERM -1; true")
    assert _alive(container)


def _alive(container: Container) -> bool:
    return container.run("echo alive").output == "alive\n"


def _names(container: Container) -> list[str]:
    stats = (procfs.stat(pid) for pid in running(container.monitor.pid))
    return [each.name for each in stats if each is not None]
