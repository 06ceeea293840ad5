"""``spawn`` and ``kill``: background jobs of the live bash, by any of their numbers."""

from __future__ import annotations

import os
import signal

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused
from shellplay.fences import REGISTRY
from shellplay.kernel import procfs
from shellplay.playground.playground import Playground
from tests.fences.conditions import spawned
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone


def test_a_job_is_told_by_all_its_numbers(container: Container) -> None:
    first, second = spawned(container, "sleep 1000"), spawned(container, "sleep 1001")
    assert (first.number, second.number) == (1, 2)
    assert first.pid is not None
    assert first.inside == (first.pid,)
    status = procfs.status(first.pid)
    assert status is not None
    assert status.ppid == container.pid
    assert [each.pid for each in container.jobs()] == [first.pid, second.pid]
    assert [each.command for each in container.jobs()] == ["sleep 1000", "sleep 1001"]


def test_inside_a_pid_fence_the_job_has_a_number_there_and_one_on_the_host(
    container: Container,
) -> None:
    container.fence(REGISTRY["pid"]())
    jobs = [spawned(container, "sleep 1000") for _ in range(4)]
    assert [each.number for each in jobs] == [1, 2, 3, 4]
    for job in jobs:
        assert job.inside[0] == job.pid != job.inside[-1]
        assert job.inside[-1] > 1
        assert container.run(f"kill -0 {job.inside[-1]}").status == 0
    assert len({each.pid for each in jobs}) == 4


@pytest.mark.parametrize(
    "command", ["sleep 1000", "sleep 1000 &", "sleep 1000&", "sleep 1000  & "]
)
def test_the_ampersand_is_not_needed_and_does_no_harm(
    command: str, container: Container
) -> None:
    job = container.spawn(command)
    assert job.number == 1
    assert len(container.jobs()) == 1


def test_a_pipeline_is_one_job(container: Container) -> None:
    job = container.spawn("sleep 1000 | sleep 1001")
    assert job.number == 1
    assert len(container.jobs()) == 2
    assert job.pid in [each.pid for each in container.jobs()]


def test_a_job_that_ends_at_once_still_has_its_number(container: Container) -> None:
    job = container.spawn("true")
    assert job.number == 1
    assert job.inside


def test_a_job_is_killed_by_its_host_pid(container: Container) -> None:
    job = spawned(container, "sleep 1000")
    assert job.pid is not None
    killed = container.kill(str(job.pid), signal.SIGTERM)
    assert [each.pid for each in killed] == [job.pid]
    wait_until(lambda: not container.jobs(), "its end")


@pytest.mark.parametrize("fenced", [False, True])
def test_a_job_is_killed_by_its_number(fenced: bool, container: Container) -> None:
    if fenced:
        container.fence(REGISTRY["pid"]())
    kept, job = spawned(container, "sleep 1000"), spawned(container, "sleep 1001")
    assert [each.pid for each in container.kill("%2", signal.SIGKILL)] == [job.pid]
    wait_until(lambda: [each.pid for each in container.jobs()] == [kept.pid], "its end")


def test_a_child_of_a_job_is_killed_by_its_pid(container: Container) -> None:
    container.spawn("(sleep 1000; true)")
    child = wait_until(lambda: procfs.children(container.jobs()[0].pid), "the child")[0]
    assert container.kill(str(child), signal.SIGKILL)
    wait_until(lambda: procfs.stat(child) is None, "its end")


def test_processes_of_others_are_refused(playground: Playground) -> None:
    web, db = playground.new("web"), playground.new("db")
    job = spawned(db, "sleep 1000")
    assert playground.playground_pid is not None
    for pid in (os.getpid(), 1, playground.playground_pid, db.pid, job.pid, 2**22):
        with pytest.raises(Refused, match=f"{pid} is not a process of web"):
            web.kill(str(pid), signal.SIGKILL)
    assert db.run("jobs %1").status == 0


@pytest.mark.parametrize("target", ["%1", "%9", "%nothing", "%$(touch x)", "%;exit"])
def test_a_job_that_does_not_exist_is_refused(target: str, container: Container) -> None:
    with pytest.raises(Refused, match="there is no job %"):
        container.kill(target, signal.SIGTERM)
    assert container.run("echo here").output == "here\n"


def test_a_job_is_the_program_it_runs_as_soon_as_it_is_told(container: Container) -> None:
    for _ in range(20):
        container.spawn("sleep 1000")
    assert {each.command for each in container.jobs()} == {"sleep 1000"}


def test_after_a_kill_the_next_command_finds_the_job_ended(container: Container) -> None:
    container.fence(REGISTRY["pid"]())
    for _ in range(5):
        container.spawn("sleep 1000")
        container.kill("%+", signal.SIGTERM)
        container.peel("pid")
        container.fence(REGISTRY["pid"]())
