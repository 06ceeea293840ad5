"""The threat model names every fence and each of its promises has tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shellplay.fences import ORDER

ROOT = Path(__file__).parents[2]
MODEL = (ROOT / "docs" / "threat-model.md").read_text()
TEST = re.compile(r"`(\w+/test_\w+\.py)`")


def table(heading: str) -> list[list[str]]:
    """Return the rows of the first table below a heading, without those of its head."""
    below = MODEL.partition(f"## {heading}\n")[2]
    lines = [line for line in below.partition("\n##")[0].splitlines() if line[:1] == "|"]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_each_fence_has_one_row() -> None:
    rows = table("What each fence promises")
    named = [kind for row in rows for kind in re.findall(r"`([\w-]+)`", row[0])]
    assert sorted(kind for kind in named if kind in ORDER) == sorted(ORDER)


@pytest.mark.parametrize(
    "heading",
    [
        *("What each fence promises", "All of Docker's fences together", "The way back"),
        "Images, registries, recipes, other users",
    ],
)
def test_each_promise_names_its_tests(heading: str) -> None:
    for row in table(heading):
        assert TEST.findall(row[-1]), row[0]


@pytest.mark.parametrize("name", sorted(set(TEST.findall(MODEL))))
def test_each_test_that_is_named_is_there(name: str) -> None:
    assert "\ndef test_" in (ROOT / "tests" / name).read_text()


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_it_is_linked(page: str) -> None:
    assert "(docs/threat-model.md)" in (ROOT / page).read_text()
