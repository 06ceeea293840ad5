"""Cgroups on the real kernel: where they are, and the empty tree of version 2."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from shellplay.errors import KernelError, Refused
from shellplay.kernel import procfs
from shellplay.kernel.cgroup import directories as cgroup_directories
from shellplay.kernel.cgroup import group as cgroup_group
from shellplay.kernel.cgroup import hierarchies
from shellplay.kernel.cgroup.group import Group
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone


@pytest.fixture
def unified() -> hierarchies.Hierarchy:
    """The tree of version 2, if it is mounted and ours."""
    found = next((each for each in hierarchies.hierarchies() if each.version == 2), None)
    if found is None:
        pytest.skip("no cgroups of version 2 are mounted")
    try:
        hierarchies.place(found)
    except Refused as error:
        pytest.skip(str(error))
    return found


@pytest.fixture
def group() -> Iterator[Group]:
    """The cgroups of a container that is not there."""
    made = Group(f"{cgroup_group.prefix(os.getpid())}{uuid.uuid4().hex[:12]}")
    yield made
    made.remove()


@pytest.fixture
def sleeper() -> Iterator[int]:
    """A process of ours."""
    pid = os.posix_spawn("/bin/sleep", ["sleep", "1000"], {})
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_every_process_is_where_the_kernel_says(sleeper: int) -> None:
    for hierarchy in hierarchies.hierarchies():
        directory = hierarchy.of(sleeper)
        assert directory is not None
        assert directory == hierarchy.of("self")
        assert sleeper in hierarchies.pids(directory)


def test_a_controller_is_in_one_tree_only() -> None:
    for name in hierarchies.CONTROLLERS:
        own = hierarchies.V1_NAMES.get(name, name)
        having = [each for each in hierarchies.hierarchies() if {name, own} & each.controllers]
        assert having == ([hierarchies.having(name)] if having else [])


def test_version_2_freezes_and_what_is_frozen_can_be_killed(
    unified: hierarchies.Hierarchy, group: Group
) -> None:
    pid = os.posix_spawn("/bin/sleep", ["sleep", "1000"], {})
    group.freeze(pid)
    directory = unified.of(pid)
    assert directory is not None
    assert Path(directory).name == group.name
    assert hierarchies.read(directory, "cgroup.freeze") == "1"
    assert group.frozen
    os.kill(pid, signal.SIGKILL)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    group.thaw()
    assert not Path(directory).exists()


def test_who_is_thawed_is_back_where_we_are(
    unified: hierarchies.Hierarchy, group: Group, sleeper: int
) -> None:
    group.freeze(sleeper)
    group.thaw()
    assert not group.frozen
    assert unified.of(sleeper) == unified.of("self")


def test_a_whole_tree_is_ended_by_its_name(
    unified: hierarchies.Hierarchy, group: Group
) -> None:
    pids = [os.posix_spawn("/bin/sleep", ["sleep", "1000"], {}) for _ in range(3)]
    directory = group.hold(unified, "test")
    inner = f"{directory}/inner"
    cgroup_directories.make(inner)
    for pid in pids:
        cgroup_directories.move(pid, inner if pid == pids[0] else directory)
    cgroup_group.thaw(group.name)
    cgroup_group.clear(group.name)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [signal.SIGKILL] * 3
    assert not Path(directory).exists()


def test_the_last_user_takes_the_directory_along(
    unified: hierarchies.Hierarchy, group: Group, sleeper: int
) -> None:
    directory = group.hold(unified, "one")
    assert group.hold(unified, "two") == directory
    cgroup_directories.move_tree(sleeper, directory)
    group.release(unified, "one")
    assert unified.of(sleeper) == directory
    group.release(unified, "two")
    assert unified.of(sleeper) == unified.of("self")
    assert not Path(directory).exists()


def test_all_that_fork_meanwhile_are_moved(
    unified: hierarchies.Hierarchy, group: Group
) -> None:
    line = "i=0; while [ $i -lt 60 ]; do sleep 1000 & i=$((i+1)); done; wait"
    shell = os.posix_spawn("/bin/sh", ["sh", "-c", line], os.environ)
    directory = group.hold(unified, "test")
    cgroup_directories.move_tree(shell, directory)
    wait_until(lambda: len(procfs.children(shell)) == 60, "sixty children", timeout=60)
    assert set(hierarchies.pids(directory)) == {shell, *procfs.children(shell)}
    group.remove()
    os.waitpid(shell, 0)


def test_that_a_process_has_ended_is_no_error(
    unified: hierarchies.Hierarchy, group: Group
) -> None:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    cgroup_directories.move(pid, group.hold(unified, "test"))


def test_a_failure_names_the_call_and_the_file(
    unified: hierarchies.Hierarchy, group: Group, sleeper: int
) -> None:
    directory = group.hold(unified, "test")
    cgroup_directories.move(sleeper, directory)
    with pytest.raises(KernelError, match=rf"rmdir \({directory}\): EBUSY"):
        cgroup_directories.remove(directory)
    group.release(unified, "test")
