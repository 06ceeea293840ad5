"""A copy that has run nothing since its fork is peeled without a dump; any other is read."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.shell.stillness import Stillness
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone


def fence(container: Container, *kinds: str) -> None:
    """Put fences up."""
    for kind in kinds:
        container.fence(REGISTRY[kind]())


def untouched(container: Container) -> bool:
    """Tell whether the live bash is a copy that has run nothing since its fork."""
    return container.live.untouched


def test_a_copy_is_untouched_until_a_line_is_run_in_it(container: Container) -> None:
    assert not untouched(container)
    fence(container, "nnp")
    wait_until(lambda: untouched(container), "its sleep")
    container.run("a=1")
    assert not untouched(container)
    container.peel("nnp")
    assert container.run("echo $a").output == "1\n"


def test_nothing_is_asked_of_an_untouched_copy(container: Container) -> None:
    container.run("a=1")
    outside = container.terminal
    fence(container, "nnp")
    wait_until(lambda: untouched(container), "its sleep")
    terminals = (outside, container.terminal)
    typed = [each.typed for each in terminals]
    change = container.peel("nnp")
    assert (change.carried, change.left) == ((), ())
    assert [each.typed for each in terminals] == typed
    assert container.run("echo $a").output == "1\n"


def test_a_fence_in_place_leaves_a_copy_untouched(container: Container) -> None:
    fence(container, "nnp")
    wait_until(lambda: untouched(container), "its sleep")
    with container.live.seized() as tracee:
        assert tracee.getpid()
    wait_until(lambda: untouched(container), "its sleep")


@pytest.mark.parametrize("kinds", [("nnp",), ("user", "nnp")])
def test_what_a_signal_has_changed_inside_comes_along(
    container: Container, kinds: tuple[str, ...]
) -> None:
    container.run("trap a=heard USR1")
    fence(container, *kinds)
    wait_until(lambda: untouched(container), "its sleep")
    os.kill(container.pid, signal.SIGUSR1)
    # At its prompt bash runs a trap only before the next command.
    wait_until(lambda: not untouched(container), "the bash to wake")
    container.peel(kinds[0])
    assert container.run("echo $a").output == "heard\n"


@pytest.mark.parametrize(
    "touch",
    [
        lambda box: box.type(b"a"),
        lambda box: box.terminal.resize(71, 17),
        lambda box: os.kill(box.pid, signal.SIGCHLD),
    ],
)
def test_a_key_a_new_size_and_a_signal_touch_it(
    container: Container, touch: Callable[[Container], None]
) -> None:
    fence(container, "nnp")
    wait_until(lambda: untouched(container), "its sleep")
    touch(container)
    wait_until(lambda: not untouched(container), "the bash to wake")


def test_a_copy_of_a_touched_copy_is_read_too(container: Container) -> None:
    fence(container, "user")
    container.run("a=1")
    fence(container, "nnp")
    wait_until(lambda: untouched(container), "its sleep")
    container.peel("user")
    assert container.run("echo $a").output == "1\n"


def test_a_key_that_was_unread_in_the_stop_touches_it(container: Container) -> None:
    with container.live.seized():
        container.type(b"a")
        evidence = Stillness(container.pid, container.terminal)
    wait_until(lambda: container.logs().endswith("a"), "the key")
    wait_until(lambda: container.live.status.state == "S", "its sleep")
    assert not evidence.holds()
