"""What the recipe of a stranger will do is shown, all of it, before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from shellplay.cmdline.registry import TABLE
from shellplay.fences.base.seccomp_profile import DOCKER
from shellplay.recipe.document import Actor
from shellplay.stage.perform.host_effects import Reach, effect_of, effects
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
        (Actor.PLAY, "mount -c web /:/host:ro", Reach.HOST),
        (Actor.PLAY, "mount tmpfs:/cache", Reach.CONTAINERS),
        (Actor.PLAY, "commit web:2", Reach.HOST),
        (Actor.PLAY, "cp web:/etc/passwd .", Reach.HOST),
        (Actor.PLAY, "cp ~/.ssh/id_rsa web:/", Reach.HOST),
        (Actor.PLAY, "cp web:/a web:/b", Reach.CONTAINERS),
        (Actor.PLAY, "publish 8080:80", Reach.HOST),
        (Actor.PLAY, "publish; unpublish 8080; disconnect", Reach.CONTAINERS),
        (Actor.PLAY, "connect -c web", Reach.HOST),
        (Actor.PLAY, "pull busybox", Reach.HOST),
        (Actor.PLAY, "image ls; image inspect web", Reach.CONTAINERS),
        (Actor.PLAY, "image rm web", Reach.HOST),
        (Actor.PLAY, "image no-such-verb", Reach.HOST),
        (Actor.PLAY, "record start x", Reach.HOST),
        (Actor.PLAY, "record stop", Reach.CONTAINERS),
        (Actor.PLAY, "run --network none host true", Reach.INSIDE),
        (Actor.PLAY, "run host true", Reach.HOST),
        (Actor.PLAY, "run --network none busybox true", Reach.HOST),
        (Actor.PLAY, "run --network none -v /:/h host true", Reach.HOST),
        (Actor.PLAY, "run --network none --pid host host true", Reach.HOST),
        (Actor.PLAY, "run --network none --privileged host true", Reach.HOST),
        (Actor.PLAY, "run --network none --privileged=false host true", Reach.INSIDE),
        (
            Actor.PLAY,
            "run --network none --security-opt no-new-privileges host id",
            Reach.INSIDE,
        ),
        (Actor.PLAY, "run --network none --security-opt seccomp=x.json host id", Reach.HOST),
        (Actor.PLAY, "run --no-such-option host id", Reach.HOST),
        (Actor.PLAY, "set bashrc on", Reach.HOST),
        (Actor.PLAY, "set timeout 5", Reach.CONTAINERS),
        (Actor.PLAY, "# a comment", Reach.CONTAINERS),
    ],
)
def test_how_far_a_step_reaches(actor: Actor, text: str, reach: Reach) -> None:
    assert effect_of(step(actor, text)).reach is reach


def test_commands_that_run_programs_of_the_host_are_never_taken_for_harmless() -> None:
    harmless = {
        name for name in TABLE if effect_of(step(Actor.PLAY, name)).reach is Reach.CONTAINERS
    }
    assert not harmless & {"!", "in", "exec", "spawn", "enter", "replay", "tour"}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("fence pid; fence net bridge", "makes a bridge, interfaces and firewall rules"),
        ("fence net pasta", "starts a program that leads out of the network"),
        (f"fence seccomp profile={DOCKER}", f"reads {DOCKER}"),
        ("set bashrc on; new", "lets each new bash run ~/.bashrc"),
        ("mount ./src:/src", "lets programs inside change ./src"),
        ("mount ./src:/src:ro", "lets programs inside read ./src"),
        ("cp web:/etc/passwd ./x", "writes ./x"),
        ("commit web:2", "writes an image to your images"),
        ("run --network none -v /a:/b:ro host true", "lets programs inside use /a:/b:ro"),
        ("run --network pasta host true", "starts a program that leads out of the network"),
        ("!true", "runs a line outside every fence"),
        ("replay --yes x.play.md", "performs another recipe"),
        ("no-such-command", "cannot be told before it runs"),
    ],
)
def test_what_a_line_does_on_the_host_is_named(line: str, what: str) -> None:
    assert effect_of(step(Actor.PLAY, line)).what == (what,)


def test_the_environment_of_a_recipe_is_shown_too() -> None:
    found = recipe("host$ true\n", env='{ LD_PRELOAD = "./x.so" }')
    assert [effect.text for effect in effects(found)] == ["env LD_PRELOAD=./x.so", "host$ true"]


def test_steps_that_are_skipped_are_not_shown() -> None:
    assert not list(effects(recipe("% skip: not today\nhost$ true\n")))


def test_without_a_terminal_it_is_shown_and_refused_with_the_fix(tmp_path: Path) -> None:
    block = (
        f"play> fence net pasta\nhost$ touch {tmp_path}/done;\n> printf '\\x1b[2J'\n"
        "in> echo \x1b[2Jhidden\n"
    )
    path = write(tmp_path, "a", block)
    done = program("replay", path)
    assert done.returncode == 1
    lines = [line.strip() for line in done.stdout.splitlines()]
    at = lines.index("line 8  play> fence net pasta")
    assert lines[at + 1] == "starts a program that leads out of the network"
    assert f"line 9  host$ touch {tmp_path}/done;" in lines
    assert "> printf '\\x1b[2J'" in lines
    assert "line 11  in> echo \\x1b[2Jhidden" in lines
    assert "(if you trust it: --yes)" in done.stderr
    assert not (tmp_path / "done").exists()


def test_what_runs_nothing_needs_no_consent(tmp_path: Path) -> None:
    path = write(tmp_path, "a", "play> new web\n...\nplay> fences\n...\n")
    assert program("replay", path).returncode == 0


def test_standard_input_is_never_shipped(tmp_path: Path) -> None:
    done = program("replay", "-", cwd=tmp_path)
    assert done.returncode == 2
