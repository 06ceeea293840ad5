"""How a person seems to type: plausibly, and the same way each time."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from shellplay.cast.asciicast import Writer
from shellplay.cast.events import Ended, Event, Output, Prompt, Typed
from shellplay.cast.pacing import Paced, keystrokes, split_keys
from tests.cast.performance import performance


def paced(seed: object) -> bytes:
    """Return the cast of the performance, typed with this seed."""
    file = io.BytesIO()
    sink = Paced(Writer(file), seed)
    for event in performance():
        sink(event)
    return file.getvalue()


def test_the_same_seed_gives_the_same_cast_and_another_another() -> None:
    assert paced("a") == paced("a")
    assert paced("a") != paced("b")


def test_the_times_of_a_seed_are_the_same_on_every_machine() -> None:
    delays = [round(delay, 4) for delay, _ in keystrokes("ps\n", 1)]
    assert delays == [0.242, 0.0334, 0.1525]


@given(st.text(), st.integers())
def test_every_character_is_typed_once_and_in_order(text: str, seed: int) -> None:
    keys = list(keystrokes(text, seed))
    assert "".join(key for _, key in keys) == text
    assert all(0.01 < delay < 1 for delay, _ in keys)


def test_people_type_about_as_fast_as_they_are_asked_to() -> None:
    delays = [delay for delay, _ in keystrokes("a line of ordinary words " * 40, 7, mean=0.1)]
    assert 0.08 < sum(delays) / len(delays) < 0.16


def test_a_combining_mark_comes_with_its_letter() -> None:
    assert [key for _, key in keystrokes("e\u0301a", 0)] == ["e\u0301", "a"]


def test_typing_begins_at_the_time_of_the_event() -> None:
    keys = list(split_keys(Typed(5.0, "ab"), 0))
    assert [key.text for key in keys] == ["a", "b"]
    assert 5.0 < keys[0].time < keys[1].time < 6.0


def test_pacing_keeps_the_order_and_gives_time_to_read() -> None:
    events: list[Event] = []
    sink = Paced(events.append, 0)
    text = "many words " * 20
    for event in (Prompt(9, "> "), Output(9, text), Prompt(9, "> ")):
        sink(event)
    sink(Typed(9, "x"))
    sink(Ended(9, 0))
    times = [event.time for event in events]
    assert times == sorted(times)
    assert events[-2].time - events[-3].time > 2
    assert events[-1].time < 9
