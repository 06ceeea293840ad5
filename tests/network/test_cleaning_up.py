"""Nothing of a bridge is left, however a playground ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from shellplay.errors import Refused
from shellplay.fences import REGISTRY
from shellplay.kernel import procfs
from shellplay.network.bridge_client import BridgeClient
from shellplay.playground.playground import Playground
from tests.network.inside import as_before, host
from tests.shell.surviving import program
from tests.waiting import wait_until

pytestmark = pytest.mark.root
pytest.importorskip("pyroute2")


class Running(NamedTuple):
    """A program with a bridge, and the PIDs that tests kill."""

    repl: int
    playground: int
    bash: int
    network: int


@contextmanager
def bridged() -> Iterator[Running]:
    """Run tests.shell.survivor with a bridge until the block is left."""
    with program("mnt,net", "true") as running:
        yield Running(running.repl, running.playground, running.bash, beside(running.repl))


def beside(repl: int) -> int:
    """Return the PID of the process that has the bridge."""
    title = ("shellplay: network",)
    found = [each for each in procfs.children(repl) if procfs.arguments(each) == title]
    return found[0] if found else 0


@pytest.mark.parametrize(
    "victims",
    [
        ("repl",), ("playground",), ("repl", "playground"), ("network",),
        ("playground", "network"), ("bash",),
    ],
    ids="+".join,
)  # fmt: skip
def test_after_kill_9_nothing_is_left(victims: tuple[str, ...]) -> None:
    before = host()
    with bridged() as running:
        assert not as_before(before)
        for victim in victims:
            os.kill(getattr(running, victim), signal.SIGKILL)
    wait_until(lambda: as_before(before), "the host as it was")


def test_what_was_left_when_all_were_killed_at_once_goes_with_the_next() -> None:
    before = host()
    with bridged() as running:
        for pid in (running.network, running.repl, running.playground):
            os.kill(pid, signal.SIGSTOP)
        for pid in (running.network, running.repl, running.playground):
            os.kill(pid, signal.SIGKILL)
    with Playground() as playground:
        playground.new().fence(REGISTRY["net"].parse({"mode": "bridge"}))
    assert as_before(before)


PUBLISH = """
from shellplay.fences import REGISTRY
from shellplay.playground.playground import Playground
with Playground() as playground:
    box = playground.new()
    box.fence(REGISTRY["net"]())
    port = box.network.publish("80")
    print(playground.repl_pid, playground.playground_pid, port.host, flush=True)
    input()
"""


def test_a_port_is_closed_when_all_are_killed_at_once() -> None:
    words = [sys.executable, "-c", PUBLISH]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        *pids, port = map(int, running.stdout.readline().split())
        # It has become the user that it stays when it answers: nobody listens inside.
        with (
            socket.create_connection(("127.0.0.1", port)) as client,
            suppress(ConnectionResetError),
        ):
            client.recv(1)
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                os.kill(pid, number)
    wait_until(lambda: not is_open(port), "the end of the port")


def is_open(port: int) -> bool:
    """Tell whether somebody listens at a port of the host."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_a_ctrl_c_at_the_terminal_is_not_for_the_bridge() -> None:
    with Playground() as playground:
        box = playground.new()
        box.fence(REGISTRY["net"].parse({"mode": "bridge"}))
        pid = beside(os.getpid())
        assert os.getpgid(pid) != os.getpgid(0)
        os.kill(pid, signal.SIGINT)
        box.network.disconnect()
        box.network.connect()
        assert box.network.addresses


def test_a_bridge_that_was_killed_is_said_and_made_anew() -> None:
    with Playground() as playground:
        box = playground.new("box")
        box.fence(REGISTRY["net"].parse({"mode": "bridge"}))
        os.kill(beside(os.getpid()), signal.SIGKILL)
        box.network.disconnect()
        box.network.connect()
        assert len(box.network.addresses) == 2


def test_a_name_that_is_taken_is_refused_and_nothing_stays() -> None:
    from pyroute2 import IPRoute

    before = host()
    with Playground() as playground, IPRoute() as route:
        box = playground.new()
        box.network.prestart()
        wait_until(lambda: beside(os.getpid()), "the process for the bridge")
        name = f"play{beside(os.getpid())}"
        route.link("add", ifname=name, kind="bridge")
        try:
            with pytest.raises(Refused, match=f"there is an interface {name} already"):
                box.fence(REGISTRY["net"].parse({"mode": "bridge"}))
            assert name in host()["interfaces"]  # type: ignore[operator]
        finally:
            route.link("del", ifname=name)
        assert not any(each.up for each in box.fences())
        assert as_before(before)
        box.fence(REGISTRY["net"].parse({"mode": "bridge"}))
    assert as_before(before)


def test_a_pyroute2_that_does_not_fit_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyroute2.py").touch()
    monkeypatch.setattr(BridgeClient, "require", staticmethod(lambda: str(tmp_path)))
    bridge = BridgeClient()
    for _ in range(2):
        with (
            Path("/proc/self/ns/net").open() as space,
            pytest.raises(Refused, match="this pyroute2 is of no use: cannot import name"),
        ):
            bridge.attach(space.fileno(), None, isolated=False)
    bridge.close()
    assert capfd.readouterr().err == ""


def test_nothing_was_started_nothing_is_ended() -> None:
    before = host()
    bridge = BridgeClient()
    bridge.detach("play1.0")
    bridge.close()
    assert as_before(before)
    bridge.prestart()
    bridge.close()
    assert as_before(before)


COME_AND_GO = """
from shellplay.fences import REGISTRY
from shellplay.playground.playground import Playground
for _ in range(4):
    with Playground() as playground:
        playground.new().fence(REGISTRY["net"].parse({"mode": "bridge"}))
"""


@pytest.mark.slow
def test_many_come_and_go_at_once_and_the_last_puts_back() -> None:
    before = host()
    words = [sys.executable, "-c", COME_AND_GO]
    running = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    try:
        # How long sixteen playgrounds may take is for pytest to say: some machines are slow.
        assert [each.communicate()[1] for each in running] == [""] * 4
    finally:
        for each in running:
            each.kill()
    assert [each.returncode for each in running] == [0] * 4
    assert as_before(before)
