"""The recipes that come with shellplay: where they are, and what they are called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from shellplay.errors import UsageError
from shellplay.nearest import did_you_mean, quoted

if TYPE_CHECKING:
    from shellplay.recipe.document import Header, Recipe

SUFFIX = ".play.md"
NUMBERED = re.compile(r"(?:(\d+)-)?(.+)")
PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Shipped:
    """A recipe that comes with shellplay, by its place."""

    path: Path

    @property
    def stem(self) -> str:
        """Its file's name without its ending, as ``05-zombies``."""
        return self.path.name.removesuffix(SUFFIX)

    @property
    def number(self) -> str:
        """Its number in the course, "" if it has none."""
        return (NUMBERED.fullmatch(self.stem) or [""])[1] or ""

    @property
    def name(self) -> str:
        """Its name without number, as ``zombies``."""
        return self.stem.removeprefix(f"{self.number}-") if self.number else self.stem

    @cached_property
    def recipe(self) -> Recipe:
        """What it says; raises RecipeError."""
        # Imported here: most sessions never look into one.
        from shellplay.recipe.parse import parse

        return parse(self.path.read_text("utf-8"), str(self.path))

    @property
    def header(self) -> Header:
        """Its header."""
        return self.recipe.header


def directory() -> Path | None:
    """Return where they are: in the package, or beside it in a checkout; None if nowhere."""
    packed, checkout = PACKAGE / "recipes_shipped", PACKAGE.parent / "recipes"
    if packed.is_dir():
        return packed
    # What is called recipes beside an installed package is somebody else's.
    ours = (PACKAGE.parent / "pyproject.toml").is_file() and checkout.is_dir()
    return checkout if ours else None


def shipped() -> list[Shipped]:
    """Return all of them, in the order of the course."""
    place = directory()
    return [] if place is None else [Shipped(path) for path in sorted(place.glob(f"*{SUFFIX}"))]


def is_shipped(path: Path) -> bool:
    """Tell whether a file is one of them, whatever leads to it."""
    return path.resolve() in {each.path for each in shipped() if not each.path.is_symlink()}


def path_of(word: str) -> Path:
    """Return the file that a word means: a path, or a name or number of a shipped recipe.

    Raises UsageError that names the nearest one.
    """
    path = Path(word)
    if word.endswith(SUFFIX) or "/" in word:
        return path
    for each in shipped():
        if word in (each.stem, each.name, each.number, each.number.lstrip("0")):
            return each.path
    if path.exists():
        return path
    fix = did_you_mean(word, [each.name for each in shipped()], "recipes lists those there are")
    raise UsageError(f"no recipe is called {quoted(word)}", fix)
