"""Thousands of fences go up and come off while somebody types: no key is lost or doubled."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from shellplay.container.container import Container
from shellplay.fences import KINDS, REGISTRY
from shellplay.kernel import procfs
from shellplay.model import Change, How, ShellState
from shellplay.playground.playground import Playground
from shellplay.settings import Settings
from tests.fences.host import changed, digest, identities

pytestmark = pytest.mark.slow

IN_PLACE = tuple(kind for kind in KINDS if kind not in ("user", "pid"))
PAIRS, PAIRS_BY_FORK, PAIRS_ANEW = 2000, 100, 10
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
# One key of three bytes: a read that is interrupted between them must not tear it.
LEFT, RIGHT = b"\x1b[D", b"\x1b[C"


def keys(count: int) -> list[bytes]:
    """Return so many keys: letters, and now and then a step to the left and back."""
    steps = (LEFT, RIGHT)
    return [
        steps[number % 10 - 8] if number % 10 >= 8 else LETTERS[number % 36].encode()
        for number in range(count)
    ]


def line_of(typed: Sequence[bytes]) -> str:
    """Return the line that the keys make: each step to the left is taken back."""
    return b"".join(key for key in typed if key not in (LEFT, RIGHT)).decode()


class Typist:
    """Somebody at the keyboard, who presses one more key whenever told that it is time."""

    def __init__(self, container: Container, keys: Sequence[bytes]) -> None:
        self._container = container
        self._keys = keys
        self._time = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._type, name="typist")

    def _type(self) -> None:
        for key in self._keys:
            self._time.acquire()
            self._container.type(key)

    def press(self, count: int = 1) -> None:
        """Have that many keys pressed, in the typist's own time."""
        self._time.release(count)

    @contextmanager
    def typing(self) -> Iterator[None]:
        """Let the typist sit there for the ``with`` block, and press what is left after it."""
        self._thread.start()
        try:
            yield
        finally:
            self.press(len(self._keys))
            self._thread.join()


def half_typed(container: Container) -> str:
    """Return the line that stands unfinished at the prompt of the live bash."""
    with container.attended():
        answer = container.terminal.ask(
            r"""\builtin printf >&3 %s "$READLINE_LINE" """, alive=container.live.pidfd
        )
    return answer.decode()


def open_files() -> list[str]:
    """Return what our descriptors lead to; their numbers may change."""
    return sorted(procfs.fds(os.getpid()).values())


def check_at_rest(container: Container) -> None:
    """Check that bash is at its prompt: nothing around it, nothing open, not stopped."""
    assert changed(container.pid, identities()) == set()
    assert container.parked == []
    assert set(procfs.fds(container.pid)) <= {0, 1, 2, 255}
    status = procfs.status(container.pid)
    assert status is not None
    assert status.state in "SR"
    assert container.state is ShellState.IDLE
    assert container.run("echo works").output == "works\n"


def storm(container: Container, kinds: Sequence[str], pairs: int) -> Iterator[Change]:
    """Put fences up and take them off, one of ``kinds`` at a time, while somebody types.

    Yields how each went up.  Then checks that every key is there, once and in order, and
    that bash, this process and the host have nothing that they did not have before.
    """
    host, own, typed = digest(), open_files(), keys(2 * pairs)
    typist = Typist(container, typed)
    with typist.typing():
        for number in range(pairs):
            typist.press()
            yield container.fence(REGISTRY[kinds[number % len(kinds)]]())
            typist.press()
            container.peel_all(code=True)
    assert half_typed(container) == line_of(typed)
    assert open_files() == own
    check_at_rest(container)
    assert digest() == host


@pytest.mark.root
def test_no_key_is_lost_by_fences_in_place(container: Container) -> None:
    bash = container.pid
    for change in storm(container, IN_PLACE, PAIRS):
        assert change.how is How.IN_PLACE
    assert container.pid == bash


@pytest.mark.everyone
def test_no_key_is_lost_by_forking_and_parking(container: Container) -> None:
    bash = container.pid
    kinds = ("pid", "user") if os.geteuid() == 0 else KINDS
    for change in storm(container, kinds, PAIRS_BY_FORK):
        assert change.how is How.FORKED
    assert container.pid == bash


@pytest.mark.everyone
def test_no_key_is_lost_by_starting_anew() -> None:
    with Playground(Settings(live=False)) as playground:
        for change in storm(playground.new(), ("pid", "user"), PAIRS_ANEW):
            assert change.how is How.RESPAWNED
