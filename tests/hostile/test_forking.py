"""A program that forks its successor and ends, all the time, is ended all the same."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused
from shellplay.fences import REGISTRY
from shellplay.playground.playground import Playground
from tests.hostile.attacks import forker

pytestmark = pytest.mark.everyone
SESSIONS = pytest.mark.parametrize(
    "sessions", [False, True], ids=["one-session", "many-sessions"]
)
Runs = Callable[[], bool]


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[int]:
    """The reading end of a named pipe that each of the processes holds open."""
    os.mkfifo(tmp_path / "held")
    fd = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    yield fd
    os.close(fd)


@pytest.fixture
def runs(pipe: int) -> Runs:
    """``runs()`` tells whether one of the processes runs: the last one hangs up."""
    poll = select.poll()
    poll.register(pipe, select.POLLHUP)
    return lambda: not poll.poll(0)


def start(container: Container, directory: Path, *, sessions: bool) -> None:
    evil = forker(directory / "evil", sessions=sessions)
    container.run(f"{evil} 9>{directory / 'held'}")


@SESSIONS
def test_it_ends_at_the_stop(
    playground: Playground, tmp_path: Path, runs: Runs, *, sessions: bool
) -> None:
    box = playground.new("box")
    if sessions:
        # What has left the session is known by its namespaces.
        box.fence(REGISTRY["uts"]())
    start(box, tmp_path, sessions=sessions)
    assert runs()
    playground.stop(box)
    assert not runs()
    assert playground.notices() == []


@SESSIONS
def test_it_ends_at_the_peel(
    container: Container, playground: Playground, tmp_path: Path, runs: Runs, *, sessions: bool
) -> None:
    container.fence(REGISTRY["nnp"]())
    start(container, tmp_path, sessions=sessions)
    with pytest.raises(Refused, match="peel nnp would end"):
        container.peel("nnp")
    assert runs()
    container.peel("nnp", force=True)
    assert not runs()
    assert playground.notices() == []
    assert container.run("echo here").output == "here\n"


@SESSIONS
def test_it_ends_at_the_end_of_the_playground(
    tmp_path: Path, runs: Runs, *, sessions: bool
) -> None:
    with Playground() as running:
        start(running.new(), tmp_path, sessions=sessions)
        assert runs()
    assert not runs()
