"""Job control in a forked bash: it is a shell in its own right, in front on its terminal."""

from __future__ import annotations

import os

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.kernel import procfs
from tests.fences.conditions import in_front, interrupt, start_in_front
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
CTRL_Z = b"\x1a"


@pytest.fixture(params=["pid", "user"])
def forked(request: pytest.FixtureRequest, container: Container) -> Container:
    """A container whose bash was forked for a fence."""
    container.fence(REGISTRY[request.param]())
    return container


def test_bash_is_process_1_and_knows_it(container: Container) -> None:
    container.fence(REGISTRY["pid"]())
    assert container.run("echo $$ $BASHPID").output == "1 1\n"
    assert container.inside[-1] == 1
    first = int(container.run("(echo $BASHPID)").output)
    assert 1 < first < 50
    assert container.run("ps -o pid= -p $$ >/dev/null; echo $PPID").status == 0


def test_pipelines_run_and_tell_every_status(forked: Container) -> None:
    assert forked.run("echo one | cat | tr o 0").output == "0ne\n"
    assert forked.run("false | true | (exit 3); echo ${PIPESTATUS[@]}").output == "1 0 3\n"
    assert forked.run("echo $(echo deep $(echo deeper))").output == "deep deeper\n"
    assert forked.run("cat <(echo substituted)").output == "substituted\n"


def test_background_jobs_are_listed_killed_and_waited_for(forked: Container) -> None:
    job = forked.spawn("sleep 1000")
    assert job.number == 1
    assert "Running" in forked.run("jobs").output
    assert forked.run("kill %1; wait %1").status == 128 + 15
    assert forked.run("jobs").output == ""
    assert forked.run("(exit 7) & wait $!").status == 7


def test_ctrl_c_ends_the_foreground_job_and_not_bash(forked: Container) -> None:
    start_in_front(forked, "sleep 1000")
    interrupt(forked)
    assert forked.run("echo $?").output == "130\n"


def test_ctrl_z_stops_a_job_bg_and_fg_let_it_go_on(forked: Container) -> None:
    start_in_front(forked, "sleep 1000")
    interrupt(forked, CTRL_Z)
    assert "Stopped" in forked.run("jobs").output
    assert forked.run("bg").output == "[1]+ sleep 1000 &\n"
    assert "Running" in forked.run("jobs").output
    forked.type(b"fg\r")
    wait_until(in_front(forked, "sleep 1000"), "sleep in front again")
    interrupt(forked)
    assert forked.run("jobs").output == ""


def test_after_the_peel_the_bash_outside_has_job_control_again(forked: Container) -> None:
    forked.peel_all()
    test_ctrl_c_ends_the_foreground_job_and_not_bash(forked)
    test_ctrl_z_stops_a_job_bg_and_fg_let_it_go_on(forked)
    test_background_jobs_are_listed_killed_and_waited_for(forked)


def test_the_parked_bash_is_stopped_and_the_live_one_is_its_child(forked: Container) -> None:
    parked = forked.parked[-1].pid
    wait_until(lambda: state_and_parent(parked)[0] == "T", "the original to stop")
    wait_until(lambda: state_and_parent(forked.pid) == ("S", parked), "the copy to wait")


def state_and_parent(pid: int) -> tuple[str, int]:
    """Return the state letter and the parent of a process."""
    status = procfs.status(pid)
    assert status is not None
    return status.state, status.ppid


def test_the_bash_inside_a_user_fence_is_root_there_and_you_outside(
    container: Container,
) -> None:
    container.fence(REGISTRY["user"]())
    assert container.run("id -u").output == "0\n"
    status = procfs.status(container.pid)
    assert status is not None
    assert status.uid == os.geteuid()
    assert container.run("echo $EUID; (whoami)").status == 0
    prompt = container.logs().rsplit("\n", 1)[-1]
    assert prompt.startswith("root@")
