"""The end of a live bash: noticed at once, said once, and no command works on it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress

import pytest

from shellplay.container.container import Container
from shellplay.errors import ShellGone
from shellplay.fences import REGISTRY
from shellplay.model import ShellState
from shellplay.playground.playground import Playground
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
COMMANDS: dict[str, Callable[[Container], object]] = {
    "in": lambda box: box.run("true"),
    "spawn": lambda box: box.spawn("true"),
    "exec": lambda box: box.exec(["true"], terminal=False),
    "kill": lambda box: box.kill(str(os.getpid()), 15),
    "kill a job": lambda box: box.kill("%1", 15),
    "enter": lambda box: box.enter(),
    "fence": lambda box: box.fence(REGISTRY["uts"]()),
    "fence by fork": lambda box: box.fence(REGISTRY["pid"]()),
    "peel": lambda box: box.peel("uts"),
    "peel all": lambda box: box.peel_all(),
}


def kill(container: Container) -> None:
    """Kill the live bash and wait until the container knows."""
    os.kill(container.pid, signal.SIGKILL)
    wait_until(lambda: container.dead, "the container to notice")


def test_a_death_at_the_prompt_is_said_once(playground: Playground) -> None:
    container = playground.new("box")
    kill(container)
    said: list[str] = []

    def heard() -> bool:
        said.extend(playground.notices())
        return bool(said)

    wait_until(heard, "the notice")
    assert said == [f"box: bash {container.pid} has exited (restart or rm box)"]
    assert playground.notices() == []
    assert container.state is ShellState.DEAD
    assert container.inside == ()
    assert not any(each.up for each in container.fences())


def test_a_notice_is_announced_when_it_comes(playground: Playground) -> None:
    heard: list[str] = []
    playground.on_notice = heard.append
    container = playground.new("box")
    kill(container)
    wait_until(lambda: heard, "the announcement")
    assert heard == [f"box: bash {container.pid} has exited (restart or rm box)"]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_on_a_dead_bash_say_so(command: str, container: Container) -> None:
    kill(container)
    with pytest.raises(ShellGone, match="bash in box has exited") as error:
        COMMANDS[command](container)
    assert error.value.fix == "restart box; or rm box"


def test_exit_in_an_unfenced_bash_ends_the_container(container: Container) -> None:
    result = container.run("echo last words; exit 7")
    assert result.output.startswith("last words\n")
    assert result.status is None
    assert container.dead


def test_a_container_goes_on_when_another_one_ends(playground: Playground) -> None:
    web, db = playground.new("web"), playground.new("db")
    kill(web)
    assert db.run("echo here").output == "here\n"
    assert playground.stop(web) == 0
    assert playground.containers == [db]


def test_after_the_death_of_a_fenced_bash_the_one_outside_goes_on_when_it_is_asked_to(
    container: Container,
) -> None:
    for kind in ("user", "pid", "uts"):
        container.fence(REGISTRY[kind]())
    outermost = container.parked[0].pid
    while container.parked:
        live, below = container.pid, container.parked[-1].pid
        os.kill(live, signal.SIGKILL)
        wait_until(lambda: container.state is ShellState.ENDED, "its end")
        container.go_on_outside()
        assert container.pid == below
        assert container.run("echo here").output == "here\n"
    assert container.pid == outermost


def test_a_parked_bash_that_is_killed_takes_what_is_inside_with_it_or_is_skipped(
    container: Container,
) -> None:
    container.fence(REGISTRY["user"]())
    container.fence(REGISTRY["pid"]())
    outermost, middle = (each.pid for each in container.parked)
    os.kill(middle, signal.SIGKILL)
    container.run("echo the live one goes on; exit")
    wait_until(lambda: container.state is ShellState.ENDED, "its end")
    assert container.ended == ("user", "pid")
    container.go_on_outside()
    assert container.pid == outermost
    assert container.run("echo here").output == "here\n"


def test_when_the_one_that_waits_ends_too_the_container_is_dead(container: Container) -> None:
    container.fence(REGISTRY["pid"]())
    container.run("exit")
    for each in container.parked:
        os.kill(each.pid, signal.SIGKILL)
    wait_until(lambda: container.state is ShellState.DEAD, "its end")
    assert container.ended == ()
    with pytest.raises(ShellGone, match="bash in box has exited"):
        container.run("true")


def test_when_all_bashes_end_at_once_the_container_is_dead(container: Container) -> None:
    container.fence(REGISTRY["user"]())
    container.fence(REGISTRY["pid"]())
    for pid in (*(each.pid for each in container.parked), container.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: container.state is ShellState.DEAD, "the container to notice")


def test_what_a_dead_bash_had_printed_can_still_be_read(container: Container) -> None:
    container.run("echo remember me")
    kill(container)
    assert "remember me" in container.logs()


def test_a_user_who_is_logged_out_when_idle_keeps_the_bash(
    playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMOUT", "1")
    assert playground.new().run("echo ${TMOUT-none}").output == "none\n"


def test_functions_of_the_environment_do_not_take_the_place_of_builtins(
    playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("builtin", "bind", "printf", "read", "unset"):
        monkeypatch.setenv(f"BASH_FUNC_{name}%%", "() { echo taken; }")
    assert playground.new().run("echo here").output == "here\n"


def test_keys_typed_ahead_of_the_end_are_for_nobody_outside(container: Container) -> None:
    for number in range(10):
        container.fence(REGISTRY["user"]())
        container.type(f"exit\recho {number}-$((1+1))\recho half".encode())
        wait_until(lambda: container.state is ShellState.ENDED, "its end")
        container.go_on_outside()
        assert container.run("echo here").output == "here\n"
        assert f"{number}-2" not in container.logs()
    assert "7133" not in container.logs()


@pytest.mark.parametrize("command", COMMANDS)
def test_while_one_waits_outside_commands_say_so(command: str, container: Container) -> None:
    container.fence(REGISTRY["nnp"]())
    container.run("exit")
    outside = container.parked[0].pid
    with pytest.raises(ShellGone, match=f"and bash {outside} waits outside") as error:
        COMMANDS[command](container)
    assert error.value.fix == "peel, to go on with that"


def test_while_one_waits_outside_its_own_fences_are_shown(container: Container) -> None:
    container.fence(REGISTRY["user"]())
    container.fence(REGISTRY["uts"]())
    container.fence(REGISTRY["nnp"]())
    container.run("exit 3")
    assert [each.fence for each in container.fences() if each.up] == ["user", "uts"]
    assert container.ended == ("nnp",)
    container.go_on_outside()
    assert [each.fence for each in container.fences() if each.up] == ["user", "uts"]
    container.peel_all()
    assert not any(each.up for each in container.fences())
