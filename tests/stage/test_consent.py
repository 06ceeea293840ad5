"""What the recipe of a stranger will do is shown, all of it, before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from shellplay.cmdline.registry import TABLE
from shellplay.recipe.document import Actor
from shellplay.stage.perform.host_effects import Reach, effects, reach_of
from tests.stage.recipes import program, recipe, step, write


@pytest.mark.parametrize(
    ("actor", "text", "reach"),
    [
        (Actor.HOST, "true", Reach.HOST),
        (Actor.PLAY, "!rm -rf /", Reach.HOST),
        (Actor.PLAY, "new; ps; !rm -rf /", Reach.HOST),
        (Actor.PLAY, "replay --yes other.play.md", Reach.HOST),
        (Actor.PLAY, "no-such-command", Reach.HOST),
        (Actor.PLAY, "new 'unclosed", Reach.HOST),
        # Whatever the name stands for when it is run.
        (Actor.PLAY, "<...:X> -rf /", Reach.HOST),
        (Actor.IN, "rm -rf /", Reach.INSIDE),
        (Actor.KEY, '"rm" Enter', Reach.INSIDE),
        (Actor.PLAY, "in rm -rf /", Reach.INSIDE),
        (Actor.PLAY, "fence pid; exec rm -rf /", Reach.INSIDE),
        (Actor.PLAY, "spawn rm -rf /", Reach.INSIDE),
        (Actor.PLAY, "new; fence pid; ps host; peel all", Reach.CONTAINERS),
        (
            Actor.PLAY,
            "fence memory 64M; limit memory 32M; pause; resume; stats",
            Reach.CONTAINERS,
        ),
        (Actor.PLAY, "fence root; diff files; unmount /src", Reach.CONTAINERS),
        (Actor.PLAY, "mount /:/host", Reach.HOST),
        (Actor.PLAY, "commit web:2", Reach.HOST),
        (Actor.PLAY, "# a comment", Reach.CONTAINERS),
    ],
)
def test_how_far_a_step_reaches(actor: Actor, text: str, reach: Reach) -> None:
    assert reach_of(step(actor, text)) is reach


def test_commands_that_run_programs_of_the_host_are_never_taken_for_harmless() -> None:
    harmless = {name for name in TABLE if reach_of(step(Actor.PLAY, name)) is Reach.CONTAINERS}
    assert not harmless & {"!", "in", "exec", "spawn", "enter", "replay", "record", "tour"}


def test_the_environment_of_a_recipe_is_shown_too() -> None:
    found = recipe("host$ true\n", env='{ LD_PRELOAD = "./x.so" }')
    assert [effect.text for effect in effects(found)] == ["env LD_PRELOAD=./x.so", "host$ true"]


def test_steps_that_are_skipped_are_not_shown() -> None:
    assert not list(effects(recipe("% skip: not today\nhost$ true\n")))


def test_without_a_terminal_it_is_shown_and_refused_with_the_fix(tmp_path: Path) -> None:
    block = f"host$ touch {tmp_path}/done;\n> printf '\\x1b[2J'\nin> echo \x1b[2Jhidden\n"
    path = write(tmp_path, "a", block)
    done = program("replay", path)
    assert done.returncode == 1
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert f"line 8  host$ touch {tmp_path}/done;" in lines
    assert "> printf '\\x1b[2J'" in lines
    assert "line 10  in> echo \\x1b[2Jhidden" in lines
    assert "(if you trust it: --yes)" in done.stderr
    assert not (tmp_path / "done").exists()


def test_what_runs_nothing_needs_no_consent(tmp_path: Path) -> None:
    path = write(tmp_path, "a", "play> new web\n...\nplay> fences\n...\n")
    assert program("replay", path).returncode == 0


def test_standard_input_is_never_shipped(tmp_path: Path) -> None:
    done = program("replay", "-", cwd=tmp_path)
    assert done.returncode == 2
