"""Where the recipes that come with shellplay are found, in a checkout and installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from shellplay.cmdline.completion import complete
from shellplay.errors import UsageError
from shellplay.playground.playground import Playground
from shellplay.recipe import shipped
from tests.repl.program import environment
from tests.stage.recipes import text

ROOT = Path(shipped.__file__).parents[2]
HARMLESS = "host$ echo shipped\nshipped\n"


def install(folder: Path, recipes: str, *, checkout: bool = False) -> dict[str, str]:
    """Put shellplay and two recipes somewhere; return the environment that has it."""
    leave = shutil.ignore_patterns("__pycache__", "recipes_shipped")
    shutil.copytree(ROOT / "shellplay", folder / "shellplay", ignore=leave)
    if checkout:
        shutil.copy(ROOT / "pyproject.toml", folder)
    place = folder / recipes
    place.mkdir()
    (place / "01-first.play.md").write_text(text(HARMLESS, title='"One"'))
    (place / "10-last.play.md").write_text(
        text(HARMLESS, title='"Ten"', programs='["no-such-program"]')
    )
    path = os.pathsep.join([str(folder), *filter(None, sys.path)])
    return environment(PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1")


def run(folder: Path, variables: dict[str, str], *words: str) -> tuple[int, str]:
    """Run the program that is installed there, from elsewhere; return status and words."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "shellplay", *words],
        cwd=elsewhere,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("place", "checkout"), [("recipes", True), ("shellplay/recipes_shipped", False)]
)
def test_they_are_found_listed_and_replayed_by_name_without_a_question(
    tmp_path: Path, place: str, checkout: bool
) -> None:
    variables = install(tmp_path, place, checkout=checkout)
    status, listed = run(tmp_path, variables, "-c", "recipes --json")
    assert status == 0
    first, last = json.loads(listed)["recipes"]
    assert (first["number"], first["name"], first["title"]) == (1, "first", "One")
    assert (first["why_not"], last["why_not"]) == (None, "there is no no-such-program")
    table = run(tmp_path, variables, "-c", "recipes")[1].splitlines()
    assert [line.split() for line in table[:2]] == [
        ["#", "NAME", "MIN", "DONE", "FENCES", "HERE", "TITLE"],
        ["1", "first", "1", "yes", "One"],
    ]
    assert table[-1] == "last: there is no no-such-program"
    for name in ("first", "01-first", "1", str(tmp_path / place / "01-first.play.md")):
        status, said = run(tmp_path, variables, "replay", name)
        assert (status, said.splitlines()[-1]) == (0, "shipped")
    for line in ("replay first", "tour"):
        assert run(tmp_path, variables, "-c", line)[1].splitlines()[-1] == "shipped"


def test_what_is_called_recipes_beside_an_installed_package_is_not_ours(
    tmp_path: Path,
) -> None:
    variables = install(tmp_path, "recipes")
    assert "no recipes come with" in run(tmp_path, variables, "-c", "recipes")[1]
    status, said = run(tmp_path, variables, "replay", "recipes/01-first.play.md")
    assert status == 2
    strange = str(tmp_path / "recipes" / "01-first.play.md")
    status, said = run(tmp_path, variables, "replay", strange)
    assert status == 1
    assert "nobody is there to be asked" in said


def test_a_link_among_them_does_not_make_a_stranger_one_of_them(tmp_path: Path) -> None:
    variables = install(tmp_path, "recipes", checkout=True)
    stranger = tmp_path / "stranger.play.md"
    stranger.write_text(text(HARMLESS))
    (tmp_path / "recipes" / "05-link.play.md").symlink_to(stranger)
    assert run(tmp_path, variables, "replay", "link")[0] == 1
    # Nor does a name: what is read from a pipe has no place.
    assert run(tmp_path / "recipes", variables, "replay", "-")[0] == 2


def test_a_wheel_holds_them_where_they_are_looked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"recipes": "shellplay/recipes_shipped"}
    assert (ROOT / "recipes").is_dir()


def test_names_are_completed_with_titles_and_typos_get_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, playground: Playground
) -> None:
    (tmp_path / "03-zombies.play.md").write_text(text(HARMLESS, title='"The undead"'))
    monkeypatch.setattr(shipped, "directory", lambda: tmp_path)
    found = complete("replay zo", playground)
    assert [(one.text, one.description) for one in found] == [("zombies", "The undead")]
    with pytest.raises(UsageError, match='did you mean "zombies"'):
        shipped.path_of("zombie")
    assert shipped.path_of("./zombies") == Path("zombies")
