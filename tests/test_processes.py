"""Who is who: roles and containers of live processes, and what a fenced bash can see."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from shellplay.container.apply import sees_the_hosts_proc
from shellplay.kernel import constants as k
from shellplay.kernel import procfs
from shellplay.kernel.here import HERE
from shellplay.model import Process, Role
from shellplay.playground.processes import Snapshot, inside_view, snapshot

FENCED = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]


@contextmanager
def started(*words: str) -> Iterator[int]:
    """Run a command in a session of its own; end the whole session afterwards."""
    with subprocess.Popen(words, start_new_session=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def take(
    shells: dict[int, str], parked: dict[int, str] | None = None, *, everything: bool = False
) -> Snapshot:
    """Take a snapshot in which this process plays the playground."""
    return snapshot(
        repl=os.getppid(),
        playground=os.getpid(),
        shells=shells,
        parked=parked or {},
        everything=everything,
    )


def by_command(taken: list[Process]) -> dict[str, Process]:
    """Index processes by their command."""
    return {process.command: process for process in taken}


def test_each_process_has_the_role_of_its_place_in_the_tree(
    wait_until: Callable[..., bool],
) -> None:
    with started("bash", "-c", "(sleep 1001; true) & echo ready; wait") as shell:
        wait_until(lambda: "sleep 1001" in by_command(take({}).processes))
        taken = take({shell: "web"})
        found = {each.pid: each for each in taken.processes}
        assert found[os.getppid()].role is Role.REPL
        assert found[os.getpid()].role is Role.PLAYGROUND
        assert (found[shell].role, found[shell].container) == (Role.SHELL, "web")
        (job,) = procfs.children(shell)
        assert (found[job].role, found[job].container) == (Role.JOB, "web")
        sleeper = by_command(taken.processes)["sleep 1001"]
        assert (sleeper.role, sleeper.container) == (Role.CHILD, "web")
        assert (sleeper.ppid, sleeper.inside) == (job, (sleeper.pid,))
        assert taken.folded > 0


def test_a_live_bash_below_a_parked_one_is_a_shell_and_not_a_job() -> None:
    with started("bash", "-c", "bash -c 'echo ready; sleep 1000; true'; true") as outer:
        (inner,) = procfs.children(outer)
        found = {each.pid: each for each in take({inner: "web"}, {outer: "web"}).processes}
        assert [found[pid].role for pid in (outer, inner)] == [Role.PARKED, Role.SHELL]
        assert {found[pid].container for pid in (outer, inner)} == {"web"}


def test_parents_come_before_their_children() -> None:
    with started("bash", "-c", "sleep 1000 & echo ready; wait") as shell:
        for everything in (False, True):
            order = [each.pid for each in take({shell: "web"}, everything=everything).processes]
            for child in procfs.children(shell):
                assert order.index(os.getpid()) < order.index(shell) < order.index(child)


def test_with_everything_nothing_is_folded_and_strangers_are_the_hosts() -> None:
    few, all_of_them = take({}), take({}, everything=True)
    assert all_of_them.folded == 0
    assert len(all_of_them.processes) > len(few.processes)
    first = next(each for each in all_of_them.processes if each.pid == 1)
    assert (first.role, first.container) == (Role.HOST, None)


def adopted(command: str) -> Process | None:
    """Return our own child with this command, as the snapshot has it, once it is one."""
    found = by_command(take({}).processes).get(command)
    return found if found and found.ppid == os.getpid() else None


@pytest.fixture
def subreaper() -> Iterator[None]:
    """Adopt orphans in this test, as the playground process does, and end them after it."""
    before = set(procfs.children(os.getpid()))
    HERE.prctl(k.PR_SET_CHILD_SUBREAPER, 1)
    yield
    for orphan in set(procfs.children(os.getpid())) - before:
        os.kill(orphan, signal.SIGKILL)
        os.waitpid(orphan, 0)
    HERE.prctl(k.PR_SET_CHILD_SUBREAPER, 0)


@pytest.mark.usefixtures("subreaper")
def test_an_orphan_belongs_to_the_container_of_its_session(
    wait_until: Callable[..., Process],
) -> None:
    with started("bash", "-c", "(sleep 1002 &); echo ready; sleep 9; true") as shell:
        orphan = wait_until(lambda: adopted("sleep 1002"))
        found = by_command(take({shell: "web"}).processes)["sleep 1002"]
        assert (found.pid, found.role, found.container) == (orphan.pid, Role.CHILD, "web")


@pytest.mark.usefixtures("subreaper")
def test_an_orphan_that_left_the_session_is_known_by_its_fences(
    wait_until: Callable[..., Process],
) -> None:
    line = "(setsid sleep 1003 >/dev/null &); echo ready; sleep 9; true"
    with (
        started("unshare", "--user", "--map-root-user", "bash", "-c", line) as fenced,
        started("bash", "-c", line.replace("1003", "1004")) as bare,
    ):
        shells = {fenced: "web", bare: "db"}
        wait_until(lambda: adopted("sleep 1003") and adopted("sleep 1004"))
        found = by_command(take(shells).processes)
        assert found["sleep 1003"].container == "web"
        assert found["sleep 1004"].container is None


@pytest.mark.usefixtures("subreaper")
def test_an_orphan_of_a_pod_stays_nobodys_rather_than_anybodys(
    wait_until: Callable[..., Process],
) -> None:
    line = "(setsid sleep 1006 >&2 &); (setsid sleep 1007 >&2 &); echo ready; sleep 9; true"
    with started("unshare", "--user", "--map-root-user", "bash", "-c", line) as first:
        wait_until(lambda: adopted("sleep 1006"))
        second = wait_until(lambda: adopted("sleep 1007"))
        found = by_command(take({first: "web", second.pid: "db"}).processes)
        assert found["sleep 1006"].container is None


def test_a_wiped_command_line_shows_the_name_in_brackets(
    wait_until: Callable[..., object],
) -> None:
    with subprocess.Popen(["true"]) as child:
        wait_until(lambda: (found := procfs.stat(child.pid)) and found.state == "Z")
        zombie = next(each for each in take({}).processes if each.pid == child.pid)
        assert (zombie.command, zombie.state) == ("[true]", "Z")


def test_without_a_pid_fence_a_bash_sees_the_whole_host() -> None:
    with started("bash", "-c", "echo ready; sleep 1000; true") as shell:
        taken = take({shell: "web"}, everything=True)
        assert inside_view(taken, shell) == taken.processes


@pytest.mark.everyone
def test_behind_a_pid_fence_only_its_own_namespace_and_those_below_are_seen(
    wait_until: Callable[..., list[Process]],
) -> None:
    deeper = "unshare --pid --fork --kill-child sh -c 'echo ready; exec sleep 1004' & wait"
    with (
        started(*FENCED, "sh", "-c", deeper) as outer,
        started(*FENCED, "sh", "-c", "echo ready; exec sleep 1005"),
    ):
        (shell,) = procfs.children(outer)
        seen = wait_until(
            lambda: (
                by_command(inside_view(take({}, everything=True), shell)).keys()
                >= {"sleep 1004"}
                and inside_view(take({}, everything=True), shell)
            )
        )
        assert seen[0].inside[1] == 1
        assert {len(each.inside) for each in seen} == {2, 3}
        assert "sleep 1005" not in by_command(seen)


def test_a_shell_that_has_gone_sees_nothing() -> None:
    assert inside_view(take({}), 2**22 + 1) == []


def test_a_shell_with_the_hosts_mounts_sees_the_hosts_proc() -> None:
    with started("bash", "-c", "echo ready; sleep 1000; true") as shell:
        assert sees_the_hosts_proc(shell)
    with started(*FENCED, "--mount-proc", "sh", "-c", "echo ready; exec sleep 9") as outer:
        (fenced,) = procfs.children(outer)
        assert not sees_the_hosts_proc(fenced)
