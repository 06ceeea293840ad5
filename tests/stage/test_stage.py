"""One step at a time: every actor's output is exact, nothing hangs, nothing is left."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shellplay.cast.events import Event, Output, Prompt, Scene, Typed
from shellplay.recipe.document import Actor, Header
from shellplay.stage.perform.stage import Outcome, Stage
from tests.stage.recipes import step

pytestmark = pytest.mark.everyone

SIGN = "# " if os.geteuid() == 0 else "$ "


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage(Header(environment={"FRUIT": "apple"})) as opened:
        yield opened


@pytest.fixture
def web(stage: Stage) -> Stage:
    play(stage, "new web")
    return stage


def play(stage: Stage, text: str) -> Outcome:
    return stage.perform(step(Actor.PLAY, text))


def type_in(stage: Stage, text: str, timeout: float | None = None) -> Outcome:
    return stage.perform(step(Actor.IN, text), timeout=timeout)


def on_host(stage: Stage, text: str, timeout: float | None = None) -> Outcome:
    return stage.perform(step(Actor.HOST, text), timeout=timeout)


def press(stage: Stage, text: str) -> Outcome:
    return stage.perform(step(Actor.KEY, text))


def test_a_command_gives_its_output_and_its_status(stage: Stage) -> None:
    assert play(stage, "new web; use web").output.splitlines()[0].startswith("web: bash ")
    assert play(stage, "use nobody").status == 1
    assert "there is no container 'nobody'" in play(stage, "use nobody").output


def test_the_live_bash_gives_output_and_status_and_keeps_its_state(web: Stage) -> None:
    assert type_in(web, "x=41; false") == Outcome("", 1)
    assert type_in(web, "echo $((x + 1)); exit_code() { return 7; }; exit_code") == Outcome(
        "42\n", 7
    )


def test_a_container_is_spoken_to_by_its_name(web: Stage) -> None:
    type_in(web, "x=web")
    play(web, "new db")
    assert web.perform(step(Actor.IN, "echo $x", container="web")).output == "web\n"
    missing = web.perform(step(Actor.IN, "echo $x", container="nobody"))
    assert missing.status == 1
    assert "there is no container 'nobody'" in missing.output


def test_without_a_container_it_is_said(stage: Stage) -> None:
    outcome = type_in(stage, "true")
    assert outcome.status == 1
    assert outcome.output == "shellplay: there is no container (play> new makes one)\n"


def test_the_host_answers_outside_every_fence(web: Stage) -> None:
    play(web, "fence uts hostname=inside")
    assert on_host(web, "echo a; echo b >&2; exit 3") == Outcome("a\nb\n", 3)
    assert on_host(web, "uname -n").output == f"{os.uname().nodename}\n"
    assert on_host(web, "kill -9 $$").status == 128 + 9


def test_what_commands_run_by_themselves_is_in_their_output_and_in_order(web: Stage) -> None:
    outcome = play(web, "use web; !echo from the host; use web; exec echo from beside")
    lines = outcome.output.splitlines()
    assert [lines[1], lines[3]] == ["from the host", "from beside"]
    assert lines[0] == lines[2]


def test_keys_reach_the_terminal_of_the_bash(web: Stage) -> None:
    keys = step(Actor.KEY, '"cat" Enter "typed" Enter')
    outcome = web.perform(keys, enough=lambda output: output.count("typed") == 2)
    assert outcome.output.replace("\r", "").splitlines() == ["cat", "typed", "typed"]
    outcome = web.perform(step(Actor.KEY, "C-c"), enough=lambda output: output.endswith(SIGN))
    assert outcome.output.startswith("^C")
    assert type_in(web, "echo idle").output == "idle\n"


def test_a_key_that_is_none_is_said(web: Stage) -> None:
    outcome = press(web, "C-c Entr")
    assert outcome.status == 2
    assert "'Entr' is not a key" in outcome.output


def test_the_surroundings_are_the_same_everywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SHELLPLAY_MARKS", "word")
    monkeypatch.setenv("LC_MESSAGES", "de_DE.UTF-8")
    monkeypatch.setenv("PS_FORMAT", "pid")
    line = 'echo "$TERM $LC_ALL $FRUIT $HOME"; env | grep -c "SHELLPLAY\\|LC_M\\|PS_F"; pwd'
    wanted = ["dumb C.UTF-8 apple " + os.environ["HOME"], "0"]
    with Stage(Header(columns=67, rows=9, environment={"FRUIT": "apple"})) as stage:
        play(stage, "new")
        for outcome in (
            type_in(stage, line),
            on_host(stage, line),
            play(stage, f"!{line}"),
            play(stage, f"exec sh -c '{line}'"),
        ):
            assert outcome.output.splitlines()[:3] == [*wanted, str(stage.scratch)]
        assert type_in(stage, "stty size").output == "9 67\n"
        assert max(map(len, play(stage, "help").output.splitlines())) <= 67


def test_the_directory_is_fresh_and_ends_with_the_stage() -> None:
    with Stage() as stage:
        play(stage, "new")
        assert type_in(stage, "ls -A; mkdir -p a/b; touch a/b/c").output == ""
        assert (stage.scratch / "a/b/c").exists()
    assert not stage.scratch.exists()


@pytest.mark.parametrize(
    ("actor", "text"),
    [
        (Actor.PLAY, "in sleep 1000"),
        (Actor.PLAY, "in trap '' INT; sleep 1000"),
        (Actor.PLAY, "exec sleep 1000"),
        (Actor.PLAY, "!sleep 1000"),
        (Actor.IN, "sleep 1000"),
        (Actor.HOST, "sleep 1000"),
        (Actor.HOST, "trap '' INT TERM; sleep 1000; sleep 1001"),
    ],
)
def test_a_step_that_goes_on_is_interrupted(actor: Actor, text: str, web: Stage) -> None:
    outcome = web.perform(step(actor, text), timeout=0.3)
    assert outcome.timed_out
    assert outcome.status == 124


def test_a_bash_that_was_interrupted_goes_on(web: Stage) -> None:
    type_in(web, "x=1; sleep 1000", timeout=3)
    assert type_in(web, "echo $x").output == "1\n"


def test_a_time_that_is_just_enough_interrupts_nothing_later(stage: Stage) -> None:
    # The watchdog wakes at the moment at which the step ends, early and late.
    for round_ in range(40):
        on_host(stage, "sleep 0.02", timeout=0.015 + round_ * 0.0005)
    assert on_host(stage, "echo fine").output == "fine\n"


def test_what_happens_by_itself_is_told_apart(web: Stage) -> None:
    outcome = type_in(web, "exit")
    assert outcome.output == "exit\n"
    assert outcome.notices[0].endswith("has exited, and web is gone (new makes another)")


def test_what_the_host_leaves_running_ends_with_the_stage() -> None:
    with Stage() as stage:
        outcome = on_host(stage, "setsid -f sleep 1000; (sleep 1001 &)")
        assert outcome == Outcome("", 0)


def test_sinks_hear_prompt_line_and_output_in_order() -> None:
    heard: list[Event] = []
    with Stage(sinks=[heard.append]) as stage:
        play(stage, "new web")
        type_in(stage, "echo one; echo two")
        on_host(stage, "echo three")
        play(stage, "fence uts")
        play(stage, "peel uts")
    shown = [each for each in heard if not isinstance(each, Output)]
    prompts = [each.text for each in shown if isinstance(each, Prompt)]
    assert [prompts[0], *prompts[2:4]] == ["shellplay> ", "host$ ", "web> "]
    assert prompts[4] == ("web[uts]> " if os.geteuid() == 0 else "web[user uts]> ")
    assert prompts[1].rstrip().endswith(f"{stage.scratch}{'#' if os.geteuid() == 0 else '$'}")
    assert [each.text for each in shown if isinstance(each, Typed)] == [
        "new web\n",
        "echo one; echo two\n",
        "echo three\n",
        "fence uts\n",
        "peel uts\n",
    ]
    output = "".join(each.text for each in heard if isinstance(each, Output))
    assert "one\ntwo\nthree\n" in output
    assert [each.time for each in heard] == sorted(each.time for each in heard)
    assert not [each for each in heard if isinstance(each, Scene)]


def test_output_is_heard_while_the_step_goes_on() -> None:
    heard: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Output):
            heard.append(event.text)
            gate.write_text("open")

    with Stage(sinks=[hear]) as stage:
        gate = stage.scratch / "gate"
        play(stage, "new web")
        gate.unlink()
        heard.clear()
        outcome = type_in(stage, "echo one; until [ -e gate ]; do sleep 0.01; done; echo two")
    assert outcome.status == 0
    assert heard[0] == "one\n"


def test_the_prompt_that_is_told_follows_the_fences() -> None:
    heard: list[Event] = []
    with Stage(sinks=[heard.append]) as stage:
        play(stage, "new web")
        play(
            stage,
            "fence user; fence uts hostname=inside"
            if os.geteuid()
            else "fence uts hostname=inside",
        )
        type_in(stage, "true")
    prompt = [each.text for each in heard if isinstance(each, Prompt)][-1]
    assert "@inside:" in prompt


def test_scenes_show_containers_fences_and_processes_after_each_step() -> None:
    scenes: list[Scene] = []

    def hear(event: Event) -> None:
        if isinstance(event, Scene):
            scenes.append(event)

    with Stage(sinks=[hear], scenes=True) as stage:
        on_host(stage, "true")
        play(stage, "new web")
        play(stage, "fence user")
        # A job that was forked is a bash for a moment yet.
        running = "read -r name </proc/$!/comm && [ $name = sleep ]"
        type_in(stage, f"sleep 1000 & until {running}; do :; done")
    assert [len(each.containers) for each in scenes] == [0, 1, 1, 1]
    fences = scenes[2].containers[0]["fences"]
    assert isinstance(fences, list)
    assert [fence["up"] for fence in fences if fence["fence"] == "user"] == [True]
    assert "sleep 1000" in [process["command"] for process in scenes[3].processes]


def test_two_stages_in_one_process_do_not_meet(tmp_path: Path) -> None:
    with Stage() as one, Stage() as other:
        play(one, "new web")
        play(other, "new web")
        type_in(one, "x=1")
        assert type_in(other, 'echo "<$x>"').output == "<>\n"
        assert one.scratch != other.scratch


def test_an_endless_output_of_the_host_fills_no_memory(stage: Stage) -> None:
    at_most = (8 << 20) + (256 << 20)

    def memory() -> int:
        # The file that it is written to counts as ours.
        return Path(f"/proc/self/fd/{stage._capture.fd}").stat().st_blocks * 512

    largest: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            largest.append(memory())

    thread = threading.Thread(target=look)
    thread.start()
    outcome = on_host(stage, "yes $(seq 100) | head -c 600000000; echo end", timeout=100)
    over.set()
    thread.join()
    assert max(largest) < at_most
    assert len(outcome.output) < 12 << 20
    assert outcome.output.startswith("1 2 3 ")
    assert "\n[...]\n" in outcome.output
    assert outcome.output.endswith("end\n")
    assert on_host(stage, "echo again").output == "again\n"


def test_images_of_its_own_are_none_at_first_and_end_with_it() -> None:
    before = os.environ.get("XDG_DATA_HOME")
    with Stage(Header(images=True)) as stage:
        assert play(stage, "image ls").output.splitlines()[1:] == []
        on_host(stage, "mkdir tree; echo hello >tree/file")
        assert play(stage, f"image import {stage.scratch}/tree mine").status == 0
        assert "mine" in play(stage, "image ls").output
    assert not stage.scratch.exists()
    assert os.environ.get("XDG_DATA_HOME") == before
    with Stage(Header(images=True)) as stage:
        assert "mine" not in play(stage, "image ls").output
