"""The prompt names the current container and the fences that are up around it."""

from __future__ import annotations

import pytest

from shellplay.cmdline import prompt
from shellplay.fences import REGISTRY, docker
from shellplay.playground.playground import Playground

DOCKER = docker.preset()


@pytest.mark.everyone
def test_fences_stand_in_the_prompt_in_the_order_in_which_they_went_up(
    playground: Playground,
) -> None:
    assert prompt.text(playground) == "shellplay> "
    web = playground.new("web")
    assert prompt.text(playground) == "web> "
    for kind in ("user", "uts", "ipc"):
        web.fence(REGISTRY[kind].parse({}))
    assert prompt.text(playground) == "web[user uts ipc]> "
    web.peel("uts")
    assert prompt.text(playground) == "web[user ipc]> "
    playground.new("db")
    assert prompt.text(playground) == "db> "
    playground.use("web")
    assert prompt.text(playground) == "web[user ipc]> "


def test_a_long_name_is_cut_and_leaves_room_for_fences(playground: Playground) -> None:
    web = playground.new("a-name-that-would-fill-half-of-a-line")
    web.fence(REGISTRY["uts"].parse({}))
    assert prompt.text(playground) == "a-name-that-would-f…[uts]> "


@pytest.mark.parametrize(
    ("kinds", "shown"),
    [
        (["pid", "mnt", "uts"], "[pid mnt uts]"),
        ([*"abcdefghijklm"], "[a b c d e f g h i j +3]"),
        (DOCKER, "[docker]"),
        ([*DOCKER, "nnp", "memory"], "[docker +2]"),
        (["rlimit", "landlock", "userns-lock"], "[rlimit landlock +1]"),
    ],
)
def test_many_fences_are_folded(kinds: list[str], shown: str) -> None:
    assert prompt.bracketed(kinds, 25) == shown
    assert len(shown) <= 25


def test_one_fence_stays_however_little_room_there_is() -> None:
    assert prompt.bracketed(["userns-lock", "pid"], 3) == "[userns-lock +1]"
