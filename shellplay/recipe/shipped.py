"""The recipes that come with shellplay: their directory, their names and numbers."""

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
NUMBER_AND_NAME = re.compile(r"(?:(\d+)-)?(.+)")
PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Shipped:
    """A recipe that comes with shellplay, known by its path."""

    path: Path

    @property
    def stem(self) -> str:
        """The name of its file without the suffix, as ``05-zombies``."""
        return self.path.name.removesuffix(SUFFIX)

    @property
    def number(self) -> str:
        """The number of the recipe in the course, as ``05``; "" if it has none."""
        return (NUMBER_AND_NAME.fullmatch(self.stem) or [""])[1] or ""

    @property
    def name(self) -> str:
        """The name of the recipe without its number, as ``zombies``."""
        return self.stem.removeprefix(f"{self.number}-") if self.number else self.stem

    @cached_property
    def recipe(self) -> Recipe:
        """The parsed recipe; raises `RecipeError` and `OSError`."""
        # Imported here: most sessions read no recipe.
        from shellplay.recipe.parse import parse

        return parse(self.path.read_text("utf-8"), str(self.path))

    @property
    def header(self) -> Header:
        """The header of the recipe; raises as `recipe` does."""
        return self.recipe.header


def directory() -> Path | None:
    """Return the directory of the shipped recipes; None if there is none.

    An installed package contains it; in a checkout it is next to the package.
    """
    packed, checkout = (
        PACKAGE / "recipes_shipped",
        PACKAGE.parent / "recipes",
    )
    if packed.is_dir():
        return packed
    # A directory `recipes` next to an installed package belongs to another program, so
    # require the pyproject.toml of a checkout.
    is_checkout = (PACKAGE.parent / "pyproject.toml").is_file() and checkout.is_dir()
    return checkout if is_checkout else None


def shipped() -> list[Shipped]:
    """Return all shipped recipes in the order of the course."""
    folder = directory()
    paths = sorted(folder.glob(f"*{SUFFIX}")) if folder else []
    return [Shipped(path) for path in paths]


def is_shipped(path: Path) -> bool:
    """Return whether a path leads to a shipped recipe, also through symbolic links."""
    return path.resolve() in {each.path for each in shipped() if not each.path.is_symlink()}


def shipped_at(path: Path) -> Shipped | None:
    """Return the shipped recipe that a path leads to; None if it leads to another file."""
    found = path.resolve()
    return next((each for each in shipped() if each.path == found), None)


def recorded_at(name: str) -> Path:
    """Return the path of the file that ``record start NAME`` writes."""
    return Path(f"{name}{SUFFIX}")


def path_of(word: str) -> Path:
    """Return the path for a word: a path, the name or number of a shipped recipe, or a name.

    A name is that of a recorded recipe in the working directory.
    Raises `UsageError`, with the nearest name, if there is no such file.
    """
    path = Path(word)
    if word.endswith(SUFFIX) or "/" in word:
        return path
    for each in shipped():
        if word in (each.stem, each.name, each.number, each.number.lstrip("0")):
            return each.path
    for found in (path, recorded_at(word)):
        if found.exists():
            return found
    fix = did_you_mean(word, [each.name for each in shipped()], "recipes lists those there are")
    raise UsageError(f"no recipe is called {quoted(word)}", fix)
