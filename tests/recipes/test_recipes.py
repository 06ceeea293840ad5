"""Every recipe that is shipped, performed as root and as an ordinary user, and read."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from shellplay.fences import ORDER
from shellplay.recipe.document import Prose
from shellplay.recipe.parse import parse
from shellplay.recipe.write import write
from shellplay.stage.recipe_files import read
from shellplay.stage.report.report import Verdict
from shellplay.stage.report.text import explain
from shellplay.stage.worker.pool import perform_all
from shellplay.stage.worker.process import Task

# Words.  Plain English has at most 20; a few sentences need a name or a term more.
LONGEST_SENTENCE = 25
FOLDER = Path(__file__).parents[2] / "recipes"
RECIPES = sorted(FOLDER.glob("*.play.md"))
every_recipe = pytest.mark.parametrize(
    "path", RECIPES, ids=lambda path: path.name.removesuffix(".play.md")
)


@pytest.mark.everyone
@every_recipe
def test_what_it_says_is_true(path: Path) -> None:
    ((_, done),) = perform_all([Task(read(path).recipe)])
    if done.report.verdict is Verdict.SKIPPED:
        pytest.skip(done.report.reason)
    assert done.report.verdict is Verdict.PASSED, explain(done.report)


def prose(path: Path) -> str:
    """Return what a recipe tells, without what it does."""
    parts = read(path).recipe.parts
    return "\n".join(part.text for part in parts if isinstance(part, Prose))


@every_recipe
def test_it_has_one_aha_in_a_few_sentences_and_names_man_pages(path: Path) -> None:
    told = prose(path)
    (aha,) = re.findall(r"^> \*\*Aha:\*\* ((?:.+\n)(?:> .+\n)*)", told, re.MULTILINE)
    assert len(re.findall(r"[.](?=\s)", aha)) <= 4
    assert aha.endswith(".\n")
    links = re.findall(r"\[(\w+)\((\d\w*)\)\]\((\S+)\)", told)
    assert len(links) >= 3
    for name, section, address in links:
        assert address.endswith(f"/man{section[0]}/{name}.{section}.html")


@every_recipe
def test_its_sentences_are_short_enough_for_everybody(path: Path) -> None:
    told = re.sub(
        r"<!--.*?-->|^\*\*Read on:.*", "", prose(path), flags=re.DOTALL | re.MULTILINE
    )
    for sentence in re.split(r"[.:?!]\)?\s|\n\n", told):
        assert len(sentence.split()) <= LONGEST_SENTENCE, sentence


@every_recipe
def test_it_is_written_as_a_session_would_write_it_but_for_its_comments(path: Path) -> None:
    recipe = read(path).recipe
    assert parse(write(recipe), str(path)) == recipe
    assert recipe.header.title
    assert set(recipe.header.tags) <= set(ORDER)
    assert recipe.header.tags


def test_each_leads_to_the_next() -> None:
    for path, following in pairwise(RECIPES):
        assert prose(path).rstrip().endswith(f"]({following.name}).")


def test_the_table_of_contents_has_them_all_in_order_and_with_their_fences() -> None:
    text = (FOLDER / "README.md").read_text()
    rows = re.findall(
        r"^\| (\d+) \| \[(.+)\]\((.+)\) \| .+ \| (.+) \| (\[.+\]) \|$", text, re.M
    )
    expected = [
        (str(int(path.name[:2])), read(path).recipe.header.title, path.name,
         ", ".join(read(path).recipe.header.tags))
        for path in RECIPES
    ]  # fmt: skip
    assert [row[:4] for row in rows] == expected
    for *_, pages in rows:
        for page in re.findall(r"\[.+?\]", pages):
            assert f"\n{page}: https://" in text
