"""INT, TERM and HUP wait for the end of work that must not be left half-done."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from shellplay.kernel.signals import DEFERRED, deferred


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """Every INT, TERM, HUP and USR1 that a handler of ours got, in order."""
    numbers: list[int] = []
    watched = (*DEFERRED, signal.SIGUSR1)
    before = {
        each: signal.signal(each, lambda number, _: numbers.append(number)) for each in watched
    }
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


def send(*numbers: int) -> None:
    """Send signals to this process; each is taken in before the next."""
    for number in numbers:
        os.kill(os.getpid(), number)


def test_signals_wait_until_the_work_is_done_and_come_in_their_order(heard: list[int]) -> None:
    sent = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGINT]
    with deferred():
        send(*sent)
        assert heard == []
    assert heard == sent


def test_other_signals_do_not_wait(heard: list[int]) -> None:
    with deferred():
        send(signal.SIGUSR1)
        assert heard == [signal.SIGUSR1]


def test_inside_other_deferred_work_they_wait_for_the_outermost(heard: list[int]) -> None:
    with deferred():
        with deferred():
            send(signal.SIGINT)
        send(signal.SIGTERM)
        assert heard == []
    assert heard == [signal.SIGINT, signal.SIGTERM]


def test_they_come_also_if_the_work_fails(heard: list[int]) -> None:
    def fail() -> None:
        with deferred():
            send(signal.SIGHUP)
            raise ValueError("half-done")

    with pytest.raises(ValueError, match="half-done"):
        fail()
    assert heard == [signal.SIGHUP]


def test_handlers_are_afterwards_as_before(heard: list[int]) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    before = [signal.getsignal(each) for each in DEFERRED]
    with deferred():
        send(signal.SIGHUP)
    assert [signal.getsignal(each) for each in DEFERRED] == before
    assert heard == []


def test_a_control_c_does_not_swallow_what_came_with_it(heard: list[int]) -> None:
    def work() -> None:
        with deferred():
            send(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        work()
    assert heard == [signal.SIGTERM, signal.SIGHUP]
    send(signal.SIGTERM)
    assert heard[2:] == [signal.SIGTERM]


def test_another_thread_touches_no_handler(heard: list[int]) -> None:
    def work() -> None:
        with deferred():
            during.extend(signal.getsignal(each) for each in DEFERRED)

    before = [signal.getsignal(each) for each in DEFERRED]
    during: list[object] = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert during == before
