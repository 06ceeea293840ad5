"""No pattern and no output keeps the matcher busy: it answers, or says that it cannot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shellplay.errors import RecipeError
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.match import difference, match
from shellplay.recipe.tag import TYPES
from tests.recipe.articles import expect

# In processor time, so that other processes do not count; it takes a tenth of that.
MOST_SECONDS = 5
MANY = "".join(f"line {number}\n" for number in range(10_000))


@contextmanager
def at_once() -> Iterator[None]:
    """Fail if what is done takes long."""
    began = time.process_time()
    yield
    assert time.process_time() - began < MOST_SECONDS


@pytest.mark.parametrize(
    "expected",
    [
        ["..."] * 200,
        ["...", "line <int>"] * 100,
        ["..."] + ["line <int> (*)", "..."] * 100,
        [f"line {number}" for number in range(10_000)],
    ],
)
def test_many_lines_are_matched_or_not_at_once(expected: list[str]) -> None:
    with at_once():
        assert match(expect(*expected, "...", "no such line"), MANY, Bindings()) is None
        match(expect(*expected), MANY, Bindings())


@pytest.mark.parametrize(
    "expected",
    [
        ["...", "line <int:A>"] * 100,
        [line for number in range(100) for line in ("...", f"line <pid:X{number}>")],
        ["...", *["line <int> (*)"] * 200],
        ["line <int> (*)"] * 200,
        ["line <...> (?)"] * 200 + ["..."],
    ],
)
def test_too_many_ways_are_refused_with_the_line(expected: list[str]) -> None:
    with at_once(), pytest.raises(RecipeError, match="too many ways") as caught:
        match(expect(*expected, "no such line"), MANY, Bindings())
    assert 1 <= caught.value.line <= len(expected) + 1


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(
    "text", ["1", "a", ":", "/", "a-", "a.", "1:", "1m", "1m1", "0x", "1.2 ", "é.", "+-1"]
)
def test_long_lines_are_matched_in_a_time_that_grows_with_them(name: str, text: str) -> None:
    line = text * (100_000 // len(text))
    with at_once():
        for expected in (f"<...><{name}>§", f"<...><{name}:A> " * 20 + "§", f"<{name}>" * 20):
            assert match(expect(expected), line, Bindings()) is None


def test_many_wildcards_are_matched_in_a_time_that_grows_with_the_line() -> None:
    with at_once():
        assert match(expect("<...>a" * 1000 + "b"), "a" * 100_000, Bindings()) is None
        assert match(expect("*a" * 1000 + "b (glob)"), "a" * 100_000, Bindings()) is None


def test_escape_sequences_without_an_end_are_dropped_at_once() -> None:
    with at_once():
        for text in ("\x1b[", "\x1b]", "\x1bP", "\x1b[1;", "\r", "\x1b "):
            match((), text * 100_000, Bindings())


def test_a_difference_is_shown_at_once() -> None:
    with at_once():
        found = difference(
            expect(*["...", "line 7", "line <int:A>"] * 5, "x"), MANY, Bindings()
        )
    assert "-x" in found
