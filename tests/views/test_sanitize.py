"""Nothing that comes from inside can move the user's cursor, or hide what it says."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shellplay.views.control_sequences import ControlSequenceFilter
from shellplay.views.sanitize import SafeStream, safe, safe_line


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x1b[2J\x1b[31mred", r"\x1b[2J\x1b[31mred"),
        ("a\x9b31mb", r"a\x9b31mb"),
        ("over\rwritten\x08\x7f", r"over\rwritten\x08\x7f"),
        ("exe\u202etxt.\u2066x", r"exe\u202etxt.\u2066x"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("tag\U000e0041", r"tag\U000e0041"),
        (b"caf\xe9 \xff".decode("utf-8", "surrogateescape"), r"caf\xe9 \xff"),
        ("lone \ud800", r"lone \ud800"),
        ("two\u2028lines", r"two\u2028lines"),
    ],
)
def test_what_controls_a_terminal_becomes_visible(hostile: str, shown: str) -> None:
    assert safe(hostile) == shown
    assert safe_line(hostile) == shown


@pytest.mark.parametrize(
    "text", ["", "plain", "日本語 é ñ", "\u0645\u06cc\u200c\u062e", "👩\u200d💻", "a\tb\nc"]
)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


def test_a_cell_of_a_table_stays_on_its_line() -> None:
    assert safe_line("a\nb\tc\r\n") == r"a\nb\tc\r\n"


def test_the_line_ends_of_a_terminal_are_line_ends() -> None:
    assert safe("one\r\ntwo\r\r\nthree\rfour") == "one\ntwo\nthree\\rfour"
    assert safe("one\r\n\x1b[0m", colors=True) == "one\n\x1b[0m"


def test_colours_pass_only_when_asked_and_do_not_run_on() -> None:
    assert safe("\x1b[1;31mred", colors=True) == "\x1b[1;31mred\x1b[0m"
    assert safe("\x1b[31mred\x1b[0m", colors=True) == "\x1b[31mred\x1b[0m"
    assert safe("\x1b[31mred\x1b[m", colors=True) == "\x1b[31mred\x1b[m"
    assert safe("\x1b[31mred\x1b[H", colors=True) == "\x1b[31mred\\x1b[H\x1b[0m"
    assert safe("\x1b[" + "1;" * 99 + "m", colors=True).startswith("\\x1b[")


@given(st.text(st.characters()))
def test_no_text_whatever_leaves_a_control_character(text: str) -> None:
    bad = {
        character
        for character in safe(text)
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
    }
    assert bad <= {"\n", "\t"}
    safe(text).encode()
    assert safe_line(text).splitlines() in ([], [safe_line(text)])


@given(st.text(st.sampled_from("ab\x1b[;031mK\r\n\u202e")), st.integers(0, 20))
def test_a_text_in_two_pieces_is_the_same_text(text: str, at: int) -> None:
    stream = SafeStream()
    pieces = stream.feed(text[:at]), stream.feed(text[at:]), stream.finish()
    assert "".join(pieces) == safe(text)


def test_a_colour_that_is_cut_in_two_is_still_a_colour() -> None:
    stream = SafeStream(colors=True)
    assert stream.feed("a\x1b[3") == "a"
    assert stream.feed("1mred\x1b") == "\x1b[31mred\x1b[0m"
    assert stream.finish() == "\\x1b"


HARM = [
    "\x1b]0;title\x07",
    "\x1b]52;c;aGk=\x1b\\",
    "\x1b]8;;http://x\x1b\\",
    "\x1bPq#0\x1b\\",
    "\x1b_payload\x1b\\",
    "\x9d0;title\x9c",
    "\x1b[6n",
    "\x1b[c",
    "\x1b[>0c",
    "\x1b[?1$p",
    "\x1b[>q",
    "\x1b[21t",
    "\x1bZ",
    "\x05",
]


@pytest.mark.parametrize("sequence", HARM)
def test_what_acts_beyond_the_screen_is_left_out_wherever_it_is_cut(sequence: str) -> None:
    for cut in range(len(sequence) + 1):
        filtered = ControlSequenceFilter()
        shown = [filtered.feed(piece) for piece in ("a" + sequence[:cut], sequence[cut:] + "b")]
        assert "".join(shown) == "ab"


def test_everything_that_draws_stays() -> None:
    drawing = "\x1b[1;31mred\x1b[0m\x1b[2J\x1b[3;4H\x1b[?25l\x1b[4 q\x1b7\x1b(B\tend\r\n"
    for size in (1, 2, 5, 100):
        filtered = ControlSequenceFilter()
        pieces = _cut(drawing, size)
        assert "".join(filtered.feed(piece) for piece in pieces) == drawing


def test_a_sequence_without_an_end_does_not_fill_the_memory() -> None:
    filtered = ControlSequenceFilter()
    for _ in range(100):
        assert filtered.feed("\x1b]" + "x" * 10_000) == ""
    assert len(filtered._sequence) < 200_000
    assert filtered.feed("\x07after") == "after"


def _cut(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))
