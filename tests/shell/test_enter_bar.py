"""The bar of ``enter`` is drawn between sequences, not in them."""

from __future__ import annotations

import time

import pytest

from shellplay.shell.enter_bar import CANCEL, EnterBar
from tests.waiting import wait_until


def bar_of_80_by_24() -> EnterBar:
    """Return a bar whose terminal has 24 rows."""
    bar = EnterBar(" web")
    assert bar.resize(80, 24) == (80, 23)
    return bar


@pytest.mark.parametrize(
    ("half", "rest"),
    [
        (b"\x1b[31mred\x1b", b"[0m"),
        (b"\x1b[31mred\x1b[0", b"m"),
        (b"\x1b]0;ti", b"tle\x07"),
        (b"\x1bPq\x1b", b"\\"),
        (b"\x1b[31m\xe2\x94", b"\x80"),
        (b"\x1b(", b"B"),
    ],
)
def test_it_is_not_drawn_within_a_sequence_or_a_character(half: bytes, rest: bytes) -> None:
    bar = bar_of_80_by_24()
    bar.saw(half)
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        assert bar.due() == b""
    bar.saw(rest)
    assert b" web" in wait_until(bar.due, "the bar")
    assert bar.wait_ms() is None


def test_a_sequence_without_an_end_is_cancelled() -> None:
    bar = bar_of_80_by_24()
    bar.saw(b"\x1b]0;never")
    assert wait_until(bar.due, "the bar").startswith(CANCEL)


def test_text_without_a_sequence_draws_nothing() -> None:
    bar = bar_of_80_by_24()
    bar.saw(b"text\n" * 1000)
    assert bar.wait_ms() is None
    assert bar.due() == b""


@pytest.mark.parametrize(
    ("output", "sets"),
    [(b"\x1b[1;23r", False), (b"\x1b[0;10r", False), (b"\x1b[r", True), (b"\x1b[2;24r", True)],
)
def test_margins_of_a_program_above_the_bar_are_left_alone(output: bytes, sets: bool) -> None:
    bar = bar_of_80_by_24()
    bar.saw(output)
    assert (b"\x1b[1;23r" in wait_until(bar.due, "the bar")) is sets


def test_a_small_terminal_has_no_bar() -> None:
    bar = EnterBar(" web")
    assert bar.resize(80, 5) == (80, 5)
    assert bar.begin() == b""
    assert bar.end() == b""
