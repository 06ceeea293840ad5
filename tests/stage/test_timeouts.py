"""The time of a step is up whatever it waits for, and then nothing of it is left."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from shellplay.kernel.signals import deferred
from shellplay.recipe.document import Actor
from shellplay.stage.perform import watchdog
from shellplay.stage.perform.stage import Stage
from shellplay.stage.perform.watchdog import Watchdog
from shellplay.stage.report.report import Verdict
from tests.stage.recipes import performed, program, step, write

pytestmark = pytest.mark.everyone

SECONDS = 0.3
# The grace of the watchdog, and what a machine that has a lot to do may take beyond it.
AT_MOST = 2.0 + 8.0


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "GRACE_SECONDS", 2.0)


def wait_for_ever() -> None:
    """Wait for much longer than any test may take."""
    threading.Event().wait(100)


def stop_bash(stage: Stage) -> None:
    """The live bash hears nothing any more."""
    os.kill(stage.container(None).pid, signal.SIGSTOP)


def stop_playground(stage: Stage) -> None:
    """Nobody starts, reaps or ends anything any more."""
    os.kill(stage.playground.playground_pid or 0, signal.SIGSTOP)


def unbind_enter(stage: Stage) -> None:
    """Bash takes no line any more."""
    stage.perform(step(Actor.IN, r"bind -r '\C-m'"))


def close_ears(stage: Stage) -> None:
    """What the live bash runs reads nothing, and nothing ends it but SIGKILL."""
    deaf = "stty -isig; trap '' INT; exec >/dev/null; sleep 1000; sleep 1000"
    stage.perform(step(Actor.KEY, f'"{deaf}" Enter'), enough=lambda _: True)


@pytest.mark.parametrize(
    ("hindrance", "actor", "text"),
    [
        (stop_bash, Actor.IN, "echo unheard"),
        (stop_bash, Actor.KEY, '"x" Enter'),
        (stop_bash, Actor.KEY, f'"{"x" * 20000}" Enter'),
        (stop_bash, Actor.PLAY, "fence user"),
        (stop_bash, Actor.PLAY, "exec sleep 1000"),
        (unbind_enter, Actor.IN, "echo never"),
        (unbind_enter, Actor.PLAY, "in echo never; use web"),
        (close_ears, Actor.KEY, f'"{"x" * 20000}" Enter'),
        (stop_playground, Actor.HOST, "true"),
        (stop_playground, Actor.PLAY, "new other"),
        (stop_playground, Actor.PLAY, "exec true"),
        (stop_playground, Actor.PLAY, "fence user; fence mnt; fence proc"),
        (stop_playground, Actor.PLAY, "in kill $$"),
    ],
)
def test_a_step_ends_in_time_whatever_it_waits_for(
    hindrance: Callable[[Stage], None], actor: Actor, text: str
) -> None:
    with Stage() as stage:
        stage.perform(step(Actor.PLAY, "new web"))
        hindrance(stage)
        began = time.monotonic()
        outcome = stage.perform(
            step(actor, text),
            timeout=SECONDS,
            enough=(lambda _: False) if actor is Actor.KEY else None,
        )
        took = time.monotonic() - began
        began = time.monotonic()
    closing = time.monotonic() - began
    assert max(took, closing) < AT_MOST
    if took > SECONDS:
        assert (outcome.timed_out, outcome.status) == (True, 124)


def test_a_recipe_that_stops_its_own_playground_ends_and_leaves_nothing(tmp_path: Path) -> None:
    # The parent of what runs on the host is the playground process.
    block = """\
play> new web
...
in> setsid sleep 1000 & sleep 1000 &
...
host$ kill -STOP $PPID
play> new other
web: bash
"""
    report = performed(block, timeout='"500ms"')
    assert (report.verdict, report.steps[-1].text) == (Verdict.TIMED_OUT, "kill -STOP $PPID")
    done = program("test", write(tmp_path, "a", block, timeout='"500ms"'))
    assert done.returncode == 124, done.stdout


def test_a_signal_that_is_lost_is_sent_again() -> None:
    """One that comes a moment before a wait begins does not end the wait."""

    def lose_the_first() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {watchdog.ALARM})
        signal.sigwait({watchdog.ALARM})
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {watchdog.ALARM})
        wait_for_ever()

    began = time.monotonic()
    assert Watchdog(0.1, lambda: None).run(lose_the_first) is None
    assert time.monotonic() - began < AT_MOST


def test_what_defers_interrupts_is_ended_by_the_last_resort() -> None:
    ended = threading.Event()

    def defer() -> bool:
        with deferred():
            return ended.wait(100)

    guard = Watchdog(0.1, ended.set)
    began = time.monotonic()
    assert guard.run(defer) is None
    assert guard.fired
    assert time.monotonic() - began < AT_MOST


def test_who_interrupts_a_step_beside_the_watchdog_is_heard() -> None:
    def be_interrupted() -> None:
        with suppress(KeyboardInterrupt):
            wait_for_ever()
        signal.raise_signal(signal.SIGINT)

    guard = Watchdog(0.1, lambda: None)
    guard.run(be_interrupted)
    assert guard.fired
    assert guard.interrupted


def test_keys_wait_until_bash_has_taken_the_line_above() -> None:
    with Stage() as stage:
        stage.perform(step(Actor.PLAY, "new web"))
        # Bash is slow, and has the terminal in the modes of its line editor meanwhile.
        pid = stage.container(None).pid
        os.kill(pid, signal.SIGSTOP)
        later = threading.Timer(0.5, os.kill, (pid, signal.SIGCONT))
        later.start()
        stage.perform(step(Actor.KEY, '"read -r word" Enter'), enough=lambda _: True)
        stage.perform(step(Actor.KEY, '"some thing" Enter'), enough=lambda _: True)
        later.join()
        assert stage.perform(step(Actor.IN, 'echo "$word"')).output == "some thing\n"


def test_what_a_line_has_started_is_a_program_when_it_has_ended() -> None:
    with Stage() as stage:
        stage.perform(step(Actor.PLAY, "new web"))
        # What is taken out of it takes time, between fork and exec.
        stage.perform(step(Actor.IN, "printf -v many '%4000s'"))
        for _ in range(10):
            stage.perform(step(Actor.IN, "sleep 1000${many// /} &"))
            jobs = [each.command for each in stage.container(None).jobs()]
            assert set(jobs) == {"sleep 1000"}
