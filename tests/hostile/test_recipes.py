"""A recipe of a stranger runs nothing that nobody asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from shellplay.recipe.document import Actor
from shellplay.stage.perform.host_effects import Reach, effect_of
from tests.stage.recipes import step, write
from tests.stage.test_plugin import run_pytest


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of somebody else, with a recipe in it that leaves a proof."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_mine.py").write_text("def test_mine():\n    assert True\n")
    write(folder, "evil", f"host$ touch {folder}/proof\n")
    return folder


@pytest.mark.parametrize("arguments", [(), (".",), ("--import-mode=importlib", "test_mine.py")])
def test_pytest_runs_no_recipe_that_lies_in_a_project(
    arguments: tuple[str, ...], project: Path
) -> None:
    done = run_pytest(project, *arguments)
    assert "1 passed" in done.stdout
    assert not (project / "proof").exists()


def test_pytest_runs_a_recipe_that_is_named_or_asked_for(project: Path) -> None:
    assert "1 passed" in run_pytest(project, "evil.play.md").stdout
    assert (project / "proof").exists()
    (project / "pytest.ini").write_text("[pytest]\nshellplay_recipes = true\n")
    assert "2 passed" in run_pytest(project).stdout


@pytest.mark.parametrize(
    "line",
    [
        "fence root TREE",
        "fence root TREE ro",
        "fence root no/such/directory",
        "fence root base=TREE",
        "fence net bridge",
        "fence net bridge 10.9.0.0/24",
        "fence net pasta",
        "fence seccomp profile=/home/me/secret.json",
        "set bashrc on; new",
        "set bashrc on",
        "fence docker net bridge",
        "fence -c web docker root TREE",
    ],
)
def test_what_reaches_the_host_is_shown_before_it_is_done(line: str, tmp_path: Path) -> None:
    line = line.replace("TREE", str(tmp_path))
    assert effect_of(step(Actor.PLAY, line)).reach is Reach.HOST


@pytest.mark.parametrize(
    "line",
    [
        "fence pid",
        "fence root",
        "fence root overlay; fence net",
        "fence seccomp docker",
        "fence seccomp deny=mkdir",
        "fence -c web docker net",
        "set bashrc off",
        "set timeout 5",
        "fence user map=auto",
    ],
)
def test_what_changes_containers_alone_needs_no_question(line: str) -> None:
    assert effect_of(step(Actor.PLAY, line)).reach is Reach.CONTAINERS
