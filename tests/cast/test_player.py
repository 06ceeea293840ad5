"""A cast on a terminal: at the right times, interrupted, and never more than a picture."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from shellplay.cast.events import Event, Output
from shellplay.cast.player import play


class Clock:
    """Time that passes when somebody waits, and a little when nobody does."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    def wait(self, seconds: float) -> bool:
        """Let time pass, and some more, as a busy machine does."""
        self.waits.append(seconds)
        self.now += seconds + 0.05
        return False


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    return clock


def every_second(count: int) -> list[Event]:
    """Return one output a second."""
    return [Output(float(number), f"{number}\n") for number in range(count)]


def test_lateness_does_not_add_up(clock: Clock) -> None:
    assert play(every_second(100), lambda _: None, wait=clock.wait)
    assert clock.now - 100 == pytest.approx(99.05)


def test_speed_divides_every_pause(clock: Clock) -> None:
    play(every_second(11), lambda _: None, wait=clock.wait, speed=5)
    assert clock.now - 100 == pytest.approx(2.05)


def test_no_pause_is_longer_than_the_limit(clock: Clock) -> None:
    events = [Output(0, "a"), Output(60, "b"), Output(61, "c")]
    play(events, lambda _: None, wait=clock.wait, idle_limit=2, speed=2)
    assert clock.waits == pytest.approx([1, 0.45])


def test_what_is_late_is_written_at_once(clock: Clock) -> None:
    def slow(text: str) -> None:
        clock.now += 3

    play(every_second(3), slow, wait=clock.wait)
    assert clock.waits == []


def test_it_stops_as_soon_as_it_is_asked_to() -> None:
    out: list[str] = []
    answers = iter([False, True])
    assert not play(every_second(5), out.append, wait=lambda _: next(answers))
    assert out == ["0\r\n", "1\r\n", "\x1b[0m"]


def test_the_terminal_gets_its_modes_back_after_an_interrupt() -> None:
    def interrupted() -> Iterator[Event]:
        yield Output(0, "\x1b[?25l\x1b[?1049;2004h\x1b[?7l\x1b[?7h\x1b[31m")
        raise KeyboardInterrupt

    out: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        play(interrupted(), out.append)
    assert out[-1] == "\x1b[0m\x1b[?1049l\x1b[?2004l\x1b[?25h"


def test_it_is_played_at_its_times_by_the_real_clock() -> None:
    seen: list[float] = []
    start = time.monotonic()
    play(every_second(3), lambda _: seen.append(time.monotonic() - start), speed=50)
    assert all(now >= expected / 50 for now, expected in zip(seen, [0, 1, 2], strict=False))
