"""Long lines break between words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shellplay.views.wrap import wrap

SENTENCE = "web: pid fence up (forked), pid:[4026532399], bash is 1 inside, 4242 on the host"
WORDS = st.lists(st.text("abc-/.,", min_size=1, max_size=30), max_size=20)


def test_what_goes_on_is_indented_more_than_its_beginning() -> None:
    assert wrap(SENTENCE, 44) == (
        "web: pid fence up (forked),\n  pid:[4026532399], bash is 1 inside, 4242\n  on the host"
    )
    assert wrap("short\n  left behind: one, two", 20) == ("short\n  left behind: one,\n    two")


def test_a_line_that_has_room_and_a_terminal_without_any_change_nothing() -> None:
    assert wrap("  two  blanks\n\n and a margin \n", 80) == "  two  blanks\n\n and a margin \n"
    assert wrap(SENTENCE, 3) == SENTENCE


@given(WORDS, st.integers(20, 100))
def test_no_word_is_broken_or_lost_and_no_line_is_too_wide_for_it(
    words: list[str], width: int
) -> None:
    text = wrap(" ".join(words), width)
    assert text.split() == words
    for line in text.split("\n"):
        assert len(line) <= width or len(line.split()) == 1
