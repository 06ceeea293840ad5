"""docs/recipe-format.md says all that the language has, and its example is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from shellplay.recipe import condition, header
from shellplay.recipe.document import Actor
from shellplay.recipe.parse import DIRECTIONS, parse
from shellplay.recipe.tag import TYPES
from shellplay.recipe.write import write

TEXT = (Path(__file__).parents[2] / "docs" / "recipe-format.md").read_text()


def test_the_example_is_in_the_canonical_form() -> None:
    example = TEXT.split("~~~~markdown\n")[1].split("~~~~")[0]
    assert write(parse(example)) == example


@pytest.mark.parametrize(
    "words",
    [
        [f"`<{name}>`" for name in TYPES],
        [f"`{key}`" for key in header.KEYS],
        [f"`% {key}" for key in condition.KEYS],
        [f"`<!-- play: {name}" for name in DIRECTIONS],
        [f"`{actor} " for actor in Actor],
    ],
)
def test_every_word_of_the_language_is_explained(words: list[str]) -> None:
    assert [word for word in words if word not in TEXT] == []


def test_names_of_the_types_that_must_differ_by_themselves_are_the_ones_it_says() -> None:
    _, said = TEXT.split("Two names of one of the types ")
    wanted = [name for name, each in TYPES.items() if each.identity]
    assert sorted(
        said.split(" that are")[0].replace(" and", ",").replace("`", "").split(", ")
    ) == (sorted(wanted))
