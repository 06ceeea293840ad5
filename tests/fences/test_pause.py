"""pause and resume: nothing inside runs, nobody notices, and everything can end meanwhile."""

from __future__ import annotations

import os
import signal

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused
from shellplay.fences import REGISTRY
from shellplay.kernel import procfs
from shellplay.kernel.cgroup import hierarchies
from shellplay.kernel.cgroup import stats as cgroup_stats
from shellplay.model import ShellState
from shellplay.playground.playground import Playground
from tests.fences.conditions import spawned
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
COUNTER = "(while :; do : $((n++)); done) &"


@pytest.fixture(params=["version 2", "version 1"], autouse=True)
def freezer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Freeze by one version of cgroups, if it is here and ours."""
    hierarchy = hierarchies.freezer()
    if request.param == "version 1":
        hierarchy = hierarchies.having("freezer")
        monkeypatch.setattr(hierarchies, "freezer", lambda: hierarchy)
    if hierarchy is None or hierarchy.version != int(request.param[-1]):
        pytest.skip(f"nothing can be frozen by cgroups of {request.param} here")
    try:
        hierarchies.place(hierarchy)
    except Refused as error:
        pytest.skip(str(error))


def ticks(pid: int) -> int:
    """Return the processor time that a process has used, in ticks."""
    content = procfs.read(pid, "stat")
    assert content is not None
    return int(content.rpartition(b")")[2].split()[11])


def orphans(playground: Playground) -> list[int]:
    """Return the loops that nobody but the playground process is the parent of."""
    return [
        each.pid
        for each in playground.snapshot().processes
        if each.ppid == playground.playground_pid and "while" in each.command
    ]


def test_nothing_runs_while_it_is_paused_and_everything_goes_on_after(
    playground: Playground,
) -> None:
    container = playground.new("box")
    container.run(COUNTER)
    (counter,) = [each.pid for each in container.jobs()]
    wait_until(lambda: ticks(counter) > 2, "a job that runs")
    playground.pause(container)
    assert container.state is ShellState.PAUSED
    before = ticks(counter)
    container.terminal.type(b"echo typed meanwhile\r")
    other = playground.new("other")
    assert other.run("for i in $(seq 20000); do :; done; echo done").output == "done\n"
    assert ticks(counter) == before
    container.resume()
    wait_until(lambda: "\ntyped meanwhile" in container.logs(), "the line that was typed")
    wait_until(lambda: ticks(counter) > before, "a job that goes on")
    assert container.state is not ShellState.PAUSED


def test_who_has_left_the_family_is_frozen_too(playground: Playground) -> None:
    container = playground.new("box")
    container.run("(sh -c 'while :; do :; done' &)")
    (orphan,) = wait_until(lambda: orphans(playground), "an orphan")
    playground.pause(container)
    before = ticks(orphan)
    assert playground.new("other").run("for i in $(seq 20000); do :; done").status == 0
    assert ticks(orphan) == before
    playground.stop(container)


def test_what_is_paused_takes_no_orders(container: Container) -> None:
    container.pause()
    orders = (
        lambda: container.run("true"),
        lambda: container.exec(["true"], terminal=False),
        lambda: container.fence(REGISTRY["uts"]()),
        lambda: container.peel_all(),
        lambda: container.kill("1", 15),
        lambda: container.type(b"x"),
        lambda: container.pause(),
    )
    for order in orders:
        with pytest.raises(Refused, match=r"box is paused \(resume box\)"):
            order()
    container.resume()
    assert container.run("echo here").output == "here\n"


def test_what_is_not_paused_does_not_go_on(container: Container) -> None:
    with pytest.raises(Refused, match=r"box is not paused \(pause box\)"):
        container.resume()


def test_what_is_paused_can_be_stopped(playground: Playground) -> None:
    container = playground.new("box")
    spawned(container, "sleep 1000")
    playground.pause(container)
    assert playground.stop(container) >= 2
    assert playground.containers == []


def test_a_limit_stays_when_it_is_resumed(container: Container) -> None:
    try:
        container.fence(REGISTRY["pids"].parse({"max": "50"}))
    except Refused as error:
        pytest.skip(str(error))
    hierarchy = hierarchies.having("pids")
    assert hierarchy is not None
    container.pause()
    container.resume()
    directory = hierarchy.of(container.pid)
    assert cgroup_stats.number(directory, "pids.max") == 50


def test_a_playground_is_closed_with_everything_that_is_paused(playground: Playground) -> None:
    for name in ("web", "db"):
        container = playground.new(name)
        spawned(container, "sleep 1000")
        playground.pause(container)
    playground.close()
    assert playground.containers == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["TERM", "KILL"])
def test_what_is_paused_ends_with_the_playground_process(
    number: signal.Signals, playground: Playground
) -> None:
    container = playground.new("box")
    job = spawned(container, "sleep 1000")
    playground.pause(container)
    assert playground.playground_pid is not None
    assert job.pid is not None
    os.kill(playground.playground_pid, number)
    pid = job.pid
    wait_until(lambda: procfs.stat(pid) is None, "the end of what was paused", timeout=4)
    wait_until(lambda: container.state is ShellState.DEAD, "the end of bash")
