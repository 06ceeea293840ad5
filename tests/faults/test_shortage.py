"""Where something is used up, a sentence says what, and what to do; nothing is left."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shellplay.kernel.cgroup import directories, hierarchies
from tests.delegation import own_directories
from tests.faults.ending import faults_of
from tests.repl.program import environment

PROGRAM = shlex.join([sys.executable, "-m", "shellplay"])


def shell(line: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash, in which ``shellplay`` is this program."""
    return subprocess.run(
        ["bash", "-c", line.replace("shellplay ", f"{PROGRAM} ")],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        env=environment(**more), timeout=60,
    )  # fmt: skip


@contextmanager
def cgroup_of(processes: int) -> Iterator[str]:
    """Make a cgroup for at most so many processes; yield the line that moves a shell there."""
    hierarchy = hierarchies.having("pids")
    assert hierarchy is not None
    own = hierarchy.of("self")
    above = next(each for each in own_directories() if own == str(each / "shell"))
    directories.allow(hierarchy, str(above), "pids")
    directory = above / f"at-most-{processes}"
    directories.make(str(directory))
    try:
        (directory / "pids.max").write_text(str(processes))
        yield f"echo $BASHPID >{directory}/cgroup.procs"
    finally:
        directories.remove(str(directory))


@pytest.mark.everyone
@pytest.mark.parametrize("files", [16, 32, 200])
def test_few_open_files_are_enough_for_a_container(files: int) -> None:
    done = shell(f"ulimit -n {files}; shellplay -c 'new a; in echo one'")
    assert (done.returncode, done.stdout) == (0, "one\n")
    assert faults_of(done) == []


@pytest.mark.parametrize("files", [7, 9, 12])
@pytest.mark.parametrize("words", ["-c 'new a; fence uts'", "replay 2", "run host true"])
def test_where_files_are_too_few_the_limit_is_named(files: int, words: str) -> None:
    done = shell(f"ulimit -n {files}; shellplay {words}")
    assert faults_of(done) == []
    assert done.returncode != 0
    assert "ulimit -n" in done.stdout + done.stderr


def test_children_are_reaped_though_sigchld_was_ignored() -> None:
    done = shell("trap '' CHLD; shellplay -c 'new a; in echo one'")
    assert (done.returncode, done.stdout) == (0, "one\n")
    assert faults_of(done) == []


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "words", ["-c fences", "-k -c 'fences; fences'", "-c doctor", "--version", "replay 2"]
)
def test_a_full_standard_output_is_told(words: str, unbuffered: str) -> None:
    done = shell(f"shellplay {words} >/dev/full", PYTHONUNBUFFERED=unbuffered)
    assert faults_of(done) == []
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "No space left on device" in done.stderr or "full" in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["-c fences", "--help", "-c nonsense"])
def test_full_standard_streams_are_told_by_the_status(words: str, unbuffered: str) -> None:
    done = shell(f"shellplay {words} >/dev/full 2>&1", PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1 if words != "-c nonsense" else done.returncode in (1, 2)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["-c 'doctor; fences'", "--help", "replay 2"])
def test_a_reader_that_has_gone_is_no_matter_for_words(words: str, unbuffered: str) -> None:
    # true(1) has ended before anything is written.
    line = f"exec 3> >(true); wait $!; shellplay {words} >&3"
    done = shell(line, PYTHONUNBUFFERED=unbuffered)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.root
@pytest.mark.parametrize("processes", range(1, 8))
def test_where_processes_are_short_the_limit_is_named(processes: int) -> None:
    with cgroup_of(processes) as enter:
        done = shell(f"{enter}; exec shellplay -c 'new a; fence pid seccomp docker; exec true'")
    assert faults_of(done) == []
    if done.returncode:
        assert "pids.max" in done.stderr
    # Two processes of Python, one of bash, and a thread.
    assert done.returncode or processes > 4


@pytest.mark.root
def test_a_fork_that_fails_ends_no_container() -> None:
    with cgroup_of(6) as enter:
        line = "new a; spawn sleep 60; spawn sleep 61; exec true; in echo still here"
        done = shell(f"{enter}; exec shellplay -k -c {shlex.quote(line)}")
    assert "pids.max" in done.stderr
    assert done.stdout.endswith("still here\n")


@pytest.mark.root
def test_a_fence_that_processes_are_too_short_for_is_not_left_out() -> None:
    with cgroup_of(5) as enter:
        done = shell(f"{enter}; exec shellplay -c 'fence docker'")
    assert done.returncode == 1
    assert "pids.max" in done.stderr


def test_the_filter_library_is_found_without_another_process(tmp_path: Path) -> None:
    # The search of ctypes would run ldconfig, gcc and ld.
    program = (
        "import os; from shellplay.kernel.seccomp import knows_call; knows_call('mount');"
        "assert os.times().children_user == os.times().children_system == 0; os.wait()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert "ChildProcessError" in done.stderr
    assert list(tmp_path.iterdir()) == []
