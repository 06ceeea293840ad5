"""What run has started goes on in the background, ends, is waited for and is forgotten."""

from __future__ import annotations

import pytest

from shellplay.kernel.process_tree import running
from shellplay.model import ShellState
from shellplay.monitor.client import REMEMBERED
from shellplay.playground.playground import Playground
from tests.program.conftest import Run
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone


def test_number_1_does_not_hear_what_it_does_not_handle(run: Run) -> None:
    run("run -dq --name deaf host sleep 1000")
    assert "exit status 137, killed after 0.2 s" in run("stop -t 0.2 deaf").told
    assert "exit status 137" in run("wait deaf").told


def test_in_the_background_it_goes_on_with_logs_and_a_status(
    run: Run, playground: Playground
) -> None:
    run("run -dq --name back host sh -c 'echo begun; sleep 0.2; echo over; exit 5'")
    assert playground.find("back").state is ShellState.BUSY
    assert "back: exit status 5" in run("wait back").told
    wait_until(lambda: run("logs back").told == "begun\nover\n", "its output")
    assert "exited (5)" in run("containers").told


def test_one_that_runs_is_not_removed_by_mistake(run: Run, playground: Playground) -> None:
    run("run -dq --name back host sleep 1000")
    assert "stop back, or rm -f back" in run("rm back").told
    assert "back: removed" in run("rm -f back").told
    assert playground.containers == []


def test_rm_forgets_it_at_its_end(run: Run, playground: Playground) -> None:
    assert run("run --rm -q host true").status == 0
    assert playground.containers == []


def test_rm_forgets_it_at_its_end_in_the_background_too(
    run: Run, playground: Playground
) -> None:
    run("run -dq --rm --network none --name web host sleep 0.1")
    container = playground.find("web")
    wait_until(lambda: container.dead, "its end")
    assert run("run -dq --rm --network none --name web host sleep 1000").status == 0
    assert len(playground.containers) == 1


def test_of_several_none_is_removed_if_one_runs(run: Run, playground: Playground) -> None:
    run("run -q --network none --name over host true")
    run("run -dq --network none --name runs host sleep 1000")
    assert "stop runs, or rm -f runs" in run("rm over runs").told
    assert len(playground.containers) == 2
    assert run("rm -f over runs over").status == 0
    assert playground.containers == []


def test_its_status_is_known_however_late_it_is_asked_for(
    run: Run, playground: Playground
) -> None:
    run("run -dq --network none --name web host sh -c 'exit 5'")
    web = playground.find("web")
    wait_until(lambda: web.dead, "its end")
    wait_until(lambda: web.pid in web.monitor._statuses, "news of that")
    for pid in range(10_000_000, 10_000_000 + 2 * REMEMBERED):
        web.monitor._statuses[pid] = 0
    assert run("exec -c web true").status != 0
    run("run -dq --network none --name other host true")
    other = playground.find("other")
    wait_until(lambda: other.pid in other.monitor._statuses, "news of another")
    assert len(web.monitor._statuses) <= REMEMBERED + 2
    assert "exit status 5" in run("wait web").told


def test_beside_it_exec_runs_behind_the_same_fences(run: Run) -> None:
    run("run -dq --hostname web host sleep 1000")
    said = run("exec sh -c 'hostname; cat /proc/1/comm; grep CapBnd /proc/self/status'")
    name, first, caps = said.printed.splitlines()
    assert (name, first) == ("web", "sleep")
    assert caps.endswith("a80425fb")


@pytest.mark.parametrize(
    ("command", "status"), [("nowhere-to-be-found", 127), ("/etc/passwd", 126)]
)
def test_what_cannot_be_executed_beside_it_is_told_as_a_shell_does(
    run: Run, command: str, status: int
) -> None:
    run("run -dq --network none host sleep 1000")
    said = run(f"exec {command}")
    assert said.status == status
    assert command in said.told


@pytest.mark.root
@pytest.mark.parametrize("rest", ["sleep 1001", "setsid sh -c 'sleep 1002; :'", "yes"])
def test_with_pid_host_nothing_of_it_is_left_at_its_end(
    run: Run, playground: Playground, rest: str
) -> None:
    said = run(f'run -q --network none --pid host host sh -c "{rest} & sleep 0.1; exit 3"')
    assert "exit status 3" in said.told
    assert playground.playground_pid is not None
    assert not running(playground.playground_pid)


def test_what_is_run_beside_one_that_ends_is_told_just_that(run: Run) -> None:
    for number in range(20):
        run(f"run -dq --network none --name web host sleep 0.0{number % 5}")
        said = run("exec -c web true")
        assert said.status == 0 or "has ended" in said.told or "status 137" in said.told, said
        run("rm -f web")
