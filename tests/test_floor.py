"""The floor that all other tests stand on: leftovers are seen, ordinary users exist."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.leftovers import read_traces
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
