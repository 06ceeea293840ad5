"""Blessing takes new output over and keeps everything else, byte for byte."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shellplay.errors import Refused
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.bless import bless
from shellplay.recipe.document import Recipe
from shellplay.recipe.match import match
from shellplay.recipe.parse import parse
from shellplay.recipe.pattern import literal
from shellplay.recipe.write import write
from tests.recipe.articles import LINE, PROPERTY, RECIPES, article


def blessed(block: str, *outputs: str | tuple[str, int], tag: bool = False) -> str:
    """Return the block of an article that is blessed with the outputs of its first steps."""

    def tagged(line: str) -> str:
        return re.sub(r"\d{4,}", "<pid>", line)

    text = article(block)
    recipe = parse(text)
    given = [(each, 0) if isinstance(each, str) else each for each in outputs]
    came = {step.line: each for step, each in zip(recipe.steps, given, strict=False)}
    new = bless(text, recipe, came, tagged) if tag else bless(text, recipe, came)
    assert new.startswith(article("")[: -len("```\n")])
    assert bless(new, parse(new), relined(new, given)) == new
    return new.removeprefix(article("")[: -len("```\n")]).removesuffix("```\n")


def relined(text: str, outputs: list[tuple[str, int]]) -> dict[int, tuple[str, int]]:
    """Return the outputs by the lines that the steps have now."""
    return {s.line: each for s, each in zip(parse(text).steps, outputs, strict=False)}


def test_what_matches_stays_byte_for_byte() -> None:
    block = "in>  x\n  <pid:A>   a \n\n...\nb* (glob+)\n[3]\n\n\n# end\n"
    assert blessed(block, ("1 a\n\nz\nbb\nb\n", 3)) == block


def test_new_lines_stand_where_they_came_and_patterns_stay() -> None:
    block = "in> x\n<pid:A>   a\nold\n...\n<time> b\nin> y\n<pid:A>\n"
    assert blessed(block, "7 a\nx\n00:00:01 b\nmore\n", "7\n") == (
        "in> x\n<pid:A>   a\n...\n<time> b\nmore\nin> y\n<pid:A>\n"
    )


def test_new_lines_get_tags() -> None:
    assert blessed("in> x\nold\n", "a 4211 b 7\n", tag=True) == "in> x\na <pid> b 7\n"


def test_a_proposal_that_does_not_stand_for_the_line_is_not_taken() -> None:
    assert blessed("in> x\n", "# 42111 <pid>\n", tag=True) == "in> x\n# 42111 <pid> (lit)\n"


def test_a_changed_line_keeps_the_names_that_still_fit() -> None:
    block = "in> x\nweb: bash <pid:B>, no fences\nhost$ kill <pid:B>\n"
    assert blessed(block, "web: a bash 4211, without 4000 fences\n", tag=True) == (
        "in> x\nweb: a bash <pid:B>, without <pid> fences\nhost$ kill <pid:B>\n"
    )


def test_a_name_that_is_lost_but_used_is_refused() -> None:
    with pytest.raises(Refused, match=r"the recipe would be wrong.*nothing above binds B"):
        blessed("in> x\nbash <pid:B>\nhost$ kill <pid:B>\n", "nothing\n")


def test_a_value_that_is_another_now_is_taken_over_as_it_is() -> None:
    block = "in> x\n<pid:A>\nin> y\n<pid:A> b\n"
    assert blessed(block, "1\n", "2 b\n") == "in> x\n<pid:A>\nin> y\n2 b\n"


@pytest.mark.parametrize(
    ("block", "status", "wanted"),
    [
        ("in> x\n", 1, "in> x\n[1]\n"),
        ("in> x\n[1]\n", 0, "in> x\n"),
        ("in> x\n[1]\n", 2, "in> x\n[2]\n"),
        ("in> x\n[0]\n", 0, "in> x\n[0]\n"),
        ("%  status:  1\n\n# c\nin> x\n", 2, "%  status: 2\n\n# c\nin> x\n"),
        ("% status: 1\nin> x\n", 0, "% status: 0\nin> x\n"),
        ("% always\nin> x\n", 1, "% always\nin> x\n[1]\n"),
        ("in> x\n> y\n\n", 1, "in> x\n> y\n[1]\n\n"),
    ],
)
def test_the_exit_status_is_taken_over(block: str, status: int, wanted: str) -> None:
    assert blessed(block, ("", status)) == wanted


def test_output_that_looks_like_a_recipe_is_escaped() -> None:
    output = "play> x\n# y\n\n[1]\n...\n<pid>\n```\n\n"
    assert blessed("in> x\n", output) == (
        "in> x\nplay> x (lit)\n# y (lit)\n\n[1] (lit)\n"
        "... (lit)\n<pid> (lit)\n``` (lit)\n(lit)\n"
    )


def test_an_empty_line_that_is_the_last_now_still_counts() -> None:
    assert blessed("in> x\na\n\nb\n", "a\n\n") == "in> x\na\n(lit)\n"


def test_steps_that_were_not_performed_stay() -> None:
    block = "in> x\na\nin> y\nb\n"
    assert blessed(block, "a\n") == block


def test_names_that_cannot_differ_give_way_to_the_output() -> None:
    block = "% distinct: A B\nin> x\n<int:A>\n<int:B>\n"
    assert (
        blessed(block.replace("% distinct: A B\n", ""), "1\n1\n") == "in> x\n<int:A>\n<int:B>\n"
    )
    with pytest.raises(Refused, match="binds B"):
        blessed(block, "1\n1\n")


def test_line_ends_stay_as_they_are() -> None:
    text = article("in> x\nold\n").replace("\n", "\r\n")
    new = bless(text, parse(text), {6: ("new\nmore\n", 1)})
    assert new == article("in> x\nnew\nmore\n[1]\n").replace("\n", "\r\n")


CAME = st.lists(LINE | st.sampled_from(["4211 a", "a 1", "5 b"]), max_size=6)
OUTPUTS = st.lists(st.tuples(CAME.map("\n".join), st.integers(0, 9)), min_size=20, max_size=20)


@pytest.mark.slow
@PROPERTY
@given(RECIPES, OUTPUTS, st.booleans())
def test_what_is_blessed_matches_and_is_not_changed_again(
    recipe: Recipe, outputs: list[tuple[str, int]], tags: bool
) -> None:
    def tag(line: str) -> str:
        return re.sub(r"\d+", "<pid>", line) if tags else literal(line)

    text = write(recipe)
    came = relined(text, outputs)
    new = bless(text, parse(text), came, tag)
    again = relined(new, outputs)
    assert bless(new, parse(new), again, tag) == new
    assert without_output(new) == without_output(text)
    bindings = Bindings()
    for step in parse(new).steps:
        after = match(step.expected, again[step.line][0], bindings)
        assert after is not None
        assert step.status == again[step.line][1]
        bindings = after


def without_output(text: str) -> list[str]:
    """Return the lines of a recipe that are not expected output."""
    lines: list[str | None] = [*text.split("\n")]
    for step in parse(text).steps:
        lines[step.first - 1 : step.last - 1] = [None] * (step.last - step.first)
    return [line for line in lines if line is not None]


PATTERNS = ["<pid:A> a", "b <...>", r"\d+ c (re)", "*d (glob)", "<int> e"]
FITS = ["7 a", "b x", "12 c", "xd", "5 e"]


@PROPERTY
@given(st.sets(st.integers(0, 4)), st.sets(st.integers(0, 4)))
def test_patterns_stay_wherever_lines_come_or_go(gone: set[int], new: set[int]) -> None:
    block = "in> x\n" + "".join(f"{line}\n" for line in PATTERNS)
    output, wanted = [], ["in> x"]
    for at in range(len(PATTERNS)):
        output += [f"new {at}"] if at in new else []
        wanted += [f"new {at}"] if at in new else []
        output += [FITS[at]] if at not in gone else []
        wanted += [PATTERNS[at]] if at not in gone else []
    assert blessed(block, "\n".join(output)) == "\n".join(wanted) + "\n"
