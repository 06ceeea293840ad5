"""What is written can be read, and is the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shellplay.errors import UsageError
from shellplay.recipe import duration
from shellplay.recipe.document import (
    Actor,
    Block,
    Comment,
    Expected,
    Header,
    Prose,
    Recipe,
    Step,
)
from shellplay.recipe.parse import parse
from shellplay.recipe.write import write, write_step
from tests.recipe.articles import PROPERTY, RECIPES, SOME_TIME, article, steps


@PROPERTY
@given(RECIPES)
def test_a_recipe_that_is_written_and_read_is_the_same(recipe: Recipe) -> None:
    assert parse(write(recipe)) == recipe


@PROPERTY
@given(RECIPES)
def test_what_was_written_is_written_the_same_again(recipe: Recipe) -> None:
    text = write(recipe)
    assert write(parse(text)) == text


@PROPERTY
@given(RECIPES)
def test_windows_line_ends_say_the_same(recipe: Recipe) -> None:
    assert parse(write(recipe).replace("\n", "\r\n")) == recipe


@PROPERTY
@given(RECIPES)
def test_each_step_knows_its_lines(recipe: Recipe) -> None:
    text = write(recipe)
    lines = text.split("\n")
    for step in parse(text).steps:
        assert lines[step.line - 1].startswith(step.actor[:-1])
        status = [f"[{step.status}]"] if step.status else []
        texts = [expected.text for expected in step.expected]
        assert lines[step.first - 1 : step.last - 1] == texts + status
        assert all(lines[each.line - 1] == each.text for each in step.expected)


@PROPERTY
@given(SOME_TIME | st.integers(1, 86400).map(float))
def test_a_duration_is_exactly_the_one_that_was_written(seconds: float) -> None:
    assert duration.seconds(duration.text(seconds)) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5s"), (0.2, "200ms"), (120, "2m"), (90, "90s"), (1.5, "1.5s"), (0, "0s")],
)
def test_a_duration_is_written_as_people_do(seconds: float, text: str) -> None:
    assert duration.text(seconds) == text


def test_the_canonical_form_of_a_step() -> None:
    text = "% timeout: 3s\nin[db]> cat <<E\n> a\n>\n> E\na\n\n...\n[1]\n"
    assert write_step(steps(text)[0]) == text


def test_a_block_that_expects_code_fences_gets_a_longer_one() -> None:
    step = Step(
        Actor.HOST, "cat x", expected=(Expected("```"), Expected("x"), Expected("````"))
    )
    recipe = Recipe(Header(), (Block((step,)),))
    assert "`````shellplay\nhost$ cat x\n```\nx\n````\n`````\n" in write(recipe)
    assert parse(write(recipe)) == recipe


@pytest.mark.parametrize(
    "part",
    [
        Prose("```shellplay\nplay> ps\n```"),
        Prose("<!-- play: clear -->"),
        Prose("\nspaced out\n"),
        Block((Step(Actor.PLAY, "echo (lit)"),)),
        Block((Step(Actor.PLAY, "ps", expected=(Expected("play> ps"),)),)),
        Block((Step(Actor.PLAY, "ps", expected=(Expected(""),)),)),
        Block((Comment("two\nlines"),)),
    ],
)
def test_what_would_be_read_as_something_else_is_not_written(part: Prose | Block) -> None:
    with pytest.raises(UsageError):
        write(Recipe(Header(), (part,)))


def test_a_header_is_written_without_its_defaults() -> None:
    assert write(parse(article("", 'cols = 80\ntimeout = 5\ntitle = "x"\n'))) == (
        '+++\nshellplay = 1\ntitle = "x"\n+++\n\n```shellplay\n```\n'
    )
