"""The floor that all other tests stand on: leftovers are seen, ordinary users exist."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.delegation import own_directories
from tests.leftovers import is_a_neighbours, our_processes, read_traces
from tests.ordinary import OrdinaryUser
from tests.waiting import wait_until


def test_a_descriptor_a_file_and_a_process_that_stay_are_seen(private_home: Path) -> None:
    scratch = private_home / "tmp"
    before = read_traces(scratch)
    reader, writer = os.pipe()
    leftover = scratch / "shellplay-leftover"
    leftover.touch()
    with subprocess.Popen(["setsid", "cat"], stdin=subprocess.PIPE):
        lines = "\n".join(read_traces(scratch).difference(before))
    assert f"+ fds: {reader} -> pipe:" in lines
    assert f"+ files: {leftover}" in lines
    assert "cat" in lines
    os.close(reader)
    os.close(writer)
    leftover.unlink()


def test_an_orphan_in_a_session_of_its_own_is_seen(private_home: Path) -> None:
    before = read_traces(private_home / "tmp")
    script = "setsid sleep 1000 >/dev/null & echo $!"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        orphan = int(parent.stdout.readline())
        parent.wait(10)
        lines = read_traces(private_home / "tmp").difference(before)
        assert any(f"processes: {orphan} " in line for line in lines)
        os.kill(orphan, signal.SIGKILL)


@pytest.mark.everyone
def test_a_cgroup_that_stays_is_seen_but_a_neighbours_is_not(private_home: Path) -> None:
    own = own_directories()
    if not own:
        pytest.skip("no cgroups of our own can be made here")
    before = read_traces(private_home / "tmp")
    left, neighbours = own[0] / "shellplay-1-0", own[0].parent / "shellplay-1-0"
    left.mkdir()
    if os.access(neighbours.parent, os.W_OK):
        neighbours.mkdir()
    lines = read_traces(private_home / "tmp").difference(before)
    for each in filter(Path.exists, (left, neighbours)):
        each.rmdir()
    assert lines == [f"+ cgroups: {left}"]


def test_a_name_with_the_pid_of_a_stranger_is_a_neighbours() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        ours = our_processes()
        assert child.pid in ours
    for each in (our_processes(), ours):
        assert not is_a_neighbours(f"shellplay-{child.pid}", each)
        assert not is_a_neighbours(f"play{os.getpid()}", each)
        assert is_a_neighbours("play1.0", each)
        assert is_a_neighbours("vethc0ffee1", each)


def test_waiting_names_what_it_waited_for() -> None:
    with pytest.raises(AssertionError, match="for a miracle; last seen: 0"):
        wait_until(lambda: 0, "a miracle", timeout=0.01)


def test_the_ordinary_user_has_no_privileges(ordinary_user: OrdinaryUser) -> None:
    status, output = ordinary_user.run(["-c", "import os; print(os.geteuid())"])
    assert status == 0
    assert int(output) == ordinary_user.uid != 0


@pytest.mark.everyone
def test_a_test_for_everyone_runs_as_root_and_as_an_ordinary_user(who: str) -> None:
    assert (os.geteuid() == 0) == (who == "root")


@pytest.mark.userns
def test_an_ordinary_user_has_a_home_of_its_own(private_home: Path) -> None:
    assert Path.home().is_relative_to(private_home)
    assert os.access(Path.home(), os.W_OK)
