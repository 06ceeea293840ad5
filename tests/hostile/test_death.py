"""A bash that ends in the middle of a command is told as that, whatever was being done."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest

from shellplay.container.container import Container
from shellplay.container.state import ContainerState
from shellplay.errors import ShellplayError
from shellplay.fences import REGISTRY
from shellplay.kernel import mountinfo
from shellplay.model import ShellState
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
KINDS = (
    "uts",
    "net",
    "root",
    "proc",
    "sys",
    "dev",
    "caps",
    "nnp",
    "seccomp",
    "landlock",
    "rlimit",
)
GIVEN = {"rlimit": {"nofile": "50"}, "landlock": {"write": "/"}}


def _fence(kind: str, box: Container) -> object:
    return box.fence(REGISTRY[kind].parse(GIVEN.get(kind, {})))


DEEDS: dict[str, Callable[[Container], object]] = {
    **{f"fence {kind}": partial(_fence, kind) for kind in KINDS},
    "peel": lambda box: box.peel("mnt"),
    "peel all": lambda box: box.peel_all(),
    "in": lambda box: box.run("echo here", timeout=5),
    "exec": lambda box: box.exec(["true"], terminal=False),
    "spawn": lambda box: box.spawn("sleep 1000"),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_bash_that_was_killed_is_said_to_have_ended(
    deed: str, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("pid", "mnt"):
        container.fence(REGISTRY[kind]())
    check, doomed = ContainerState.require_alive, container.pid

    def killed_behind(state: ContainerState) -> None:
        check(state)
        live = state.live
        # It stays a zombie for a while, since its parent is parked.
        os.kill(doomed, signal.SIGKILL)
        wait_until(lambda: not live.alive, "its end")

    with monkeypatch.context() as patched:
        patched.setattr(ContainerState, "require_alive", killed_behind)
        with suppress(ShellplayError):
            DEEDS[deed](container)
    wait_until(lambda: container.state is ShellState.ENDED, "that the one outside waits")
    container.go_on_outside()
    assert container.run("echo here").output == "here\n"


def test_a_process_that_has_ended_has_no_mounts() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert mountinfo.mounts(pid) is None
    os.waitpid(pid, 0)
    assert mountinfo.mounts(pid) is None
