"""Recipes on disk: found below directories, read, and what is wrong with one said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shellplay.errors import RecipeError, UsageError
from shellplay.recipe.document import Recipe
from shellplay.recipe.parse import parse

SUFFIX = ".play.md"
# No article is so long; a device has no end.
LARGEST_BYTES = 10**7


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a file, and the recipe that it says."""

    path: Path
    text: str
    recipe: Recipe


def found(paths: Iterable[str]) -> list[Path]:
    """Return the files that are named, and the recipes below directories that are.

    Raises UsageError for a name that leads to nothing.
    """
    files: dict[Path, None] = {}
    for name in paths:
        path = Path(name)
        below = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not path.exists():
            raise UsageError(f"there is no {name}", "give a recipe, or a directory of some")
        if not below:
            raise UsageError(f"there is no recipe in {name}", f"their names end in {SUFFIX}")
        files.update(dict.fromkeys(below))
    return list(files)


def read(path: Path) -> Source:
    """Read a recipe; raises RecipeError, also if it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise RecipeError(f"it cannot be read: {error.strerror}", 1, 1, str(path)) from error
    return understood(content, path)


def understood(content: bytes, path: Path) -> Source:
    """Return the recipe that the bytes of a file say; raises RecipeError."""
    if len(content) > LARGEST_BYTES:
        raise RecipeError(f"it has more than {LARGEST_BYTES} bytes", 1, 1, str(path))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RecipeError("this is no UTF-8", line, 1, str(path)) from error
    return Source(path, text, parse(text, str(path)))


def names(recipe: Recipe) -> Iterator[str]:
    """Yield what ``-k`` looks at: path, title and tags."""
    yield recipe.path
    yield recipe.header.title
    yield from recipe.header.tags
