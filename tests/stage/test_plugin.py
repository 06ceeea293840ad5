"""The pytest plugin in a project of somebody else: recipes and both fixtures."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.repl.program import environment
from tests.stage.recipes import write
from tests.waiting import wait_until

FIXTURES = """
import os

from shellplay.fences import REGISTRY


def test_the_engine(playground):
    web = playground.new("web")
    web.fence(REGISTRY["user"]())
    result = web.run("id -u")
    assert (result.status, result.output) == (0, "0\\n")


def test_the_program(playground_terminal):
    assert playground_terminal.run("new web")[0] == 0
    assert playground_terminal.run("in echo $((40+2))") == (0, "42\\n")
    status, output = playground_terminal.run("nonsense")
    assert status == 2
    assert "unknown command" in output


def test_keys(playground_terminal):
    playground_terminal.run("new web")
    playground_terminal.send("enter\\r")
    playground_terminal.expect("leaves, the bash lives on")
    playground_terminal.send("echo typed-$((40+2))\\r")
    playground_terminal.expect("typed-42")
    playground_terminal.control("]")
    playground_terminal.ready()
"""


def words(folder: Path, *arguments: str) -> list[str]:
    """Return the command that runs pytest in a project that has our plugin and no more."""
    # Where the package is installed pytest finds the plugin by itself.
    known = any(each.value == "shellplay.testing" for each in entry_points(group="pytest11"))
    plugin = [] if known else ["-p", "shellplay.testing"]
    base = f"--basetemp={folder.parent / 'base'}"
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", base, *plugin, *arguments]


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a project to its end."""
    return subprocess.run(
        words(folder, *arguments),
        cwd=folder,
        capture_output=True,
        text=True,
        env=environment(PYTHONPATH=os.pathsep.join(filter(None, sys.path))),
        timeout=100,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the directory of a project of somebody else."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\nshellplay_recipes = true\n")
    return folder


@pytest.mark.everyone
def test_both_fixtures_work(project: Path) -> None:
    (project / "test_mine.py").write_text(FIXTURES)
    done = run_pytest(project, "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


@pytest.mark.everyone
def test_recipes_are_tests(project: Path) -> None:
    course = project / "course"
    course.mkdir()
    write(course, "good", "play> new web\n...\nin> echo $((40+2))\n42\n")
    write(course, "wrong", "host$ echo a\nb\n")
    write(course, "skipped", "host$ true\n", programs='["no-such-program"]')
    write(course, "bad", "nonsense\n")
    done = run_pytest(project, "-v", "-rs")
    said = done.stdout
    assert done.returncode == 1
    assert "course/good.play.md::good PASSED" in said
    assert "2 failed, 1 passed, 1 skipped" in said
    assert "there is no no-such-program" in said
    assert "course/wrong.play.md:8: another output came than was expected" in said
    assert "\n  -b\n  +a\n" in said
    assert "course/bad.play.md:8:1: " in said
    assert "Traceback" not in said
    assert "shellplay/testing.py" not in said


def test_recipes_are_chosen_as_other_tests_are(project: Path) -> None:
    for name in ("one", "two"):
        write(project, name, "host$ true\n")
    assert "1 passed, 1 deselected" in run_pytest(project, "-k", "two").stdout
    assert "1 passed" in run_pytest(project, "one.play.md").stdout
    assert "1 passed" in run_pytest(project, "one.play.md::one").stdout


def test_without_pytest_pexpect_it_says_what_is_missing(project: Path) -> None:
    (project / "test_mine.py").write_text(FIXTURES)
    # It calls itself so.
    done = run_pytest(
        project, "-p", "no:django", "-p", "no:pytest_pexpect", "-k", "the_program"
    )
    assert "playground_terminal needs: pip install pytest-pexpect" in done.stdout
    done = run_pytest(project, "-p", "no:django", "-k", "the_engine")
    assert "1 passed" in done.stdout


def test_an_interrupted_run_leaves_nothing(project: Path) -> None:
    gate = project / "gate"
    block = f"play> new\n...\nin> setsid sleep 1000 & touch {gate}; sleep 1000\n"
    write(project, "endless", block, timeout='"60s"')
    with subprocess.Popen(
        words(project),
        cwd=project,
        stdout=subprocess.DEVNULL,
        env=environment(PYTHONPATH=os.pathsep.join(filter(None, sys.path))),
    ) as process:
        wait_until(lambda: gate.exists() or process.poll() is not None, timeout=60)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.wait(60)
    assert process.returncode == 2


def test_the_example_of_the_documentation_works(project: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
    files = 0
    for part in text.split("\n```")[1::2]:
        kind, _, content = part.partition("\n")
        name, _, rest = content.partition("\n")
        if kind == "python" and name.startswith("# test_"):
            (project / name.removeprefix("# ")).write_text(rest)
            files += 1
    recipe = text.split("\n~~~~markdown\n")[1].split("\n~~~~")[0]
    (project / "hostname.play.md").write_text(f"{recipe}\n")
    done = run_pytest(project)
    assert done.returncode == 0, done.stdout
    assert files == 2
