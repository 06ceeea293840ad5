"""How output differs from what was expected, as a person wants to see it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shellplay.recipe.bindings import Bindings
from shellplay.recipe.match import difference, match
from tests.recipe.articles import PROPERTY, expect


def shown(expected: str, output: str, *distinct: str, **known: str) -> str:
    """Return the lines of a difference, joined."""
    bindings = Bindings()
    for name, value in known.items():
        bindings = bindings.bind(name, value)
    return "\n".join(
        difference(expect(*expected.split("\n")), output, bindings, distinct=distinct)
    )


def test_what_matches_does_not_differ() -> None:
    assert not shown("a <pid:A>\n...", "a 1\nb\n")


def test_expected_lines_are_shown_with_their_tags() -> None:
    assert shown("a <pid:A>\nb <pid:A>\nc", "a 1\nb 2\nc\n") == (
        " a <pid:A>\n-b <pid:A>\n+b 2\n c"
    )


def test_one_new_line_is_one_difference() -> None:
    assert shown("a\nb\nc", "a\nx\nb\nc") == " a\n+x\n b\n c"


def test_one_missing_line_is_one_difference() -> None:
    assert shown("a\nb\nc", "a\nc") == " a\n-b\n c"


def test_all_that_is_missing_is_before_all_that_is_new() -> None:
    assert shown("a\nb\nc\nd", "a\nx\ny\nd") == " a\n-b\n-c\n+x\n+y\n d"


def test_any_lines_swallow_no_line_that_is_expected() -> None:
    assert shown("a\n...\nb\nc", "a\nx\nb\ny\n") == " a\n ...\n b\n-c\n+y"


def test_optional_lines_are_not_missing() -> None:
    assert shown("a (?)\nb (*)\nc (+)\nd", "c\nc\nx") == " a (?)\n b (*)\n c (+)\n-d\n+x"


def test_a_line_that_should_have_come_more_than_not_at_all_is_missing() -> None:
    assert shown("a\nb (+)", "a") == " a\n-b (+)"


def test_names_that_are_not_distinct_are_shown_with_their_value() -> None:
    assert shown("x", "x", "A", "B", A="7", B="7") == "-% distinct: A B\n+A and B are both 7"
    assert shown("<int:A>\n<int:B>", "1\n1", "A", "B") == " <int:A>\n-<int:B>\n+1"


def test_no_output_at_all() -> None:
    assert shown("a\nb", "") == "-a\n-b"


ITEMS = st.sampled_from(["a", "b", "<pid:A>", "<pid:B>", "...", "a (*)", "<pid> (+)", "b (?)"])
LINES = st.lists(st.sampled_from(["a", "b", "1", "2", "x"]), max_size=6)


@PROPERTY
@given(st.lists(ITEMS, max_size=6), LINES)
def test_there_is_a_difference_exactly_if_there_is_no_match(
    items: list[str], lines: list[str]
) -> None:
    output = "".join(f"{line}\n" for line in lines)
    found = difference(expect(*items), output, Bindings())
    assert bool(found) == (match(expect(*items), output, Bindings()) is None)
    if found:
        assert [each[1:] for each in found if each[0] in " -"] == items
        assert any(each[0] in "+-" for each in found)
