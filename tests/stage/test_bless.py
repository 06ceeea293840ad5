"""``shellplay bless``: new output is taken over, patterns stay, and nothing gets lost."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest

from tests.repl.program import environment
from tests.stage.recipes import program, write

BLOCK = """\
# a comment
play> new web
web: bash started (PID <pid:B>), nothing fenced
in> echo "$PPID" is no secret
in> echo as before; echo $$
as <word>
<pid:B>
in> false
"""
BLESSED = """\
# a comment
play> new web
web: bash started (PID <pid:B>), nothing fenced yet
in> echo "$PPID" is no secret
<pid> is no secret
in> echo as before; echo $$
as <word>
<pid:B>
in> false
[1]
"""


def test_what_differs_is_taken_over_and_what_matches_stays(tmp_path: Path) -> None:
    path = write(tmp_path, "a", BLOCK)
    before = path.read_text()
    path.chmod(0o640)
    done = program("bless", path, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    line = "web: bash started (PID <pid:B>), nothing fenced"
    assert f"-{line}\n+{line} yet" in done.stdout
    assert path.read_text() == before.replace(BLOCK, BLESSED)
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["a.play.md"]  # noqa: PTH208 (names are what is compared)
    assert program("test", path).returncode == 0
    again = program("bless", path)
    assert (again.returncode, again.stdout) == (0, f"{path}: nothing has changed\n")


def test_test_update_does_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, "a", BLOCK)
    done = program("test", "--update", path)
    assert done.returncode == 0
    assert "blessed" in done.stdout
    assert BLESSED in path.read_text()


@pytest.mark.parametrize(("answer", "status", "written"), [("y", 0, True), ("n", 1, False)])
def test_it_asks(tmp_path: Path, answer: str, status: int, *, written: bool) -> None:
    path = write(tmp_path, "a", BLOCK)
    words = ["-m", "shellplay", "bless", str(path)]
    shell = pexpect.spawn(sys.executable, words, env=environment(), timeout=60)
    shell.expect_exact(f"write {path}? [y/N] ")
    shell.sendline(answer)
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == status
    assert (BLESSED in path.read_text()) is written


def test_nobody_to_be_asked_is_no_yes(tmp_path: Path) -> None:
    path = write(tmp_path, "a", BLOCK)
    done = program("bless", path)
    assert done.returncode == 1
    assert "use --yes" in done.stderr
    assert BLOCK in path.read_text()


def test_after_a_timeout_nothing_is_written(tmp_path: Path) -> None:
    path = write(tmp_path, "a", f"{BLOCK}% timeout: 200ms\nhost$ sleep 1000\n")
    done = program("bless", "--yes", path)
    assert done.returncode == 124
    assert "so it stays as it is" in done.stderr
    assert BLOCK in path.read_text()


def test_a_file_that_cannot_be_blessed_does_not_hold_the_others_up(tmp_path: Path) -> None:
    bad = write(tmp_path, "a", "nonsense\n")
    path = write(tmp_path, "b", BLOCK)
    done = program("bless", "--yes", bad, path)
    assert done.returncode == 2
    assert f"{bad}:8" in done.stderr
    assert BLESSED in path.read_text()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    path = write(tmp_path, "a", BLOCK)
    link = tmp_path / "link.play.md"
    link.symlink_to(path)
    assert program("bless", "--yes", link).returncode == 0
    assert link.is_symlink()
    assert BLESSED in path.read_text()
