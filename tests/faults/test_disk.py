"""A full disk, and directories that cannot be written: a sentence names the file."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.faults.ending import faults_of
from tests.faults.test_shortage import shell

HOMES = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")


def on_full_disk(directory: Path, line: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in a directory on a full disk, which ends with its namespace."""
    fill = "head -c 1M /dev/zero >fill 2>/dev/null"
    inside = f"mount -t tmpfs -o size=64k full {directory}; cd {directory}; {fill}; {line}"
    return shell(f"unshare -m bash -c {shlex.quote(inside)}", **more)


@pytest.mark.root
@pytest.mark.parametrize("option", ["--cast", "--html", "--svg"])
def test_a_replay_to_a_full_disk_names_the_file(option: str, tmp_path: Path) -> None:
    done = on_full_disk(tmp_path, f"shellplay replay {option} written 2")
    assert faults_of(done) == []
    assert done.returncode
    assert len(done.stderr.splitlines()) == 1
    assert "written" in done.stderr


@pytest.mark.root
def test_a_recording_on_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    done = on_full_disk(tmp_path, "shellplay -c 'record start r'; ls")
    assert faults_of(done) == []
    assert "the disk is full: r.play.md" in done.stderr
    assert done.stdout == "fill\n"


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.parametrize("written", ["r.play.md", "r.cast"])
def test_a_disk_that_gets_full_ends_the_recording_and_not_the_session(
    written: str, tmp_path: Path
) -> None:
    # The other file is on another disk.
    other = {"r.play.md": "r.cast", "r.cast": "r.play.md"}[written]
    lines = "new a\nin seq 30000\nin echo still here\nquit\n"
    beside = tmp_path.parent / tmp_path.name
    place = {written: written, other: f"{beside}-{other}"}
    start = f"record --cast {place['r.cast']} {place['r.play.md']} >{beside}-out"
    done = on_full_disk(
        tmp_path,
        f"rm fill; printf {shlex.quote(lines)} | shellplay {start}; grep here {beside}-out",
    )
    assert faults_of(done) == []
    assert f"{written} cannot be written: No space left on device" in done.stderr
    assert "still here" in done.stdout


@pytest.mark.root
def test_a_full_place_for_temporary_files_is_no_matter_for_fences(tmp_path: Path) -> None:
    line = "shellplay -q -c 'fence docker; in echo one'"
    done = on_full_disk(tmp_path, line, TMPDIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("one\n")


@pytest.mark.everyone
@pytest.mark.parametrize("home", ["/nonexistent", "/proc", "/dev/null"])
def test_homes_that_cannot_be_written_are_no_matter_for_fences(home: str) -> None:
    line = "fence user uts; in echo one" if os.geteuid() else "fence uts; in echo one"
    done = shell(f"shellplay -c '{line}'", **dict.fromkeys(HOMES, home))
    assert (done.returncode, faults_of(done)) == (0, [])
    assert done.stdout.endswith("one\n")


@pytest.mark.root
@pytest.mark.parametrize("home", ["/proc", "/dev/null"])
def test_a_store_that_cannot_be_made_is_refused_with_its_path(
    home: str, tmp_path: Path
) -> None:
    (tmp_path / "x").write_text("no archive")
    done = shell(f"shellplay -c 'image import {tmp_path}/x'", **dict.fromkeys(HOMES, home))
    assert done.returncode == 1
    assert f"{home}/shellplay/images cannot be made" in done.stderr
    assert "set XDG_DATA_HOME" in done.stderr


def test_a_read_only_installation_works(tmp_path: Path) -> None:
    # No .pyc file can be written, and none is there.
    done = shell("shellplay -q -c 'new a; in echo one'", PYTHONPYCACHEPREFIX="/proc/nowhere")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("one\n")
