"""Find recipes below directories, and read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shellplay.errors import RecipeError, UsageError
from shellplay.recipe.document import Recipe
from shellplay.recipe.parse import parse
from shellplay.recipe.shipped import SUFFIX, recorded_at

# A limit, since a device such as /dev/zero never ends; no article is that long.
MAX_BYTES = 10**7


@dataclass(frozen=True, slots=True)
class Source:
    """The path of a recipe file, its text, and the recipe parsed from it."""

    path: Path
    text: str
    recipe: Recipe


def find_recipes(paths: Iterable[str]) -> list[Path]:
    """Return the given files, and all recipes below the given directories, each once.

    A name is that of a recorded recipe in the working directory, as for ``replay``.  Raises
    `UsageError` if a path does not exist, or if a directory has no recipe.
    """
    files: dict[Path, None] = {}
    for name in paths:
        path = Path(name) if Path(name).exists() else recorded_at(name)
        found = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not path.exists():
            raise UsageError(f"there is no {name}", "give a recipe, or a directory of some")
        if not found:
            raise UsageError(f"there is no recipe in {name}", f"their names end in {SUFFIX}")
        files.update(dict.fromkeys(found))
    return list(files)


def read(path: Path) -> Source:
    """Read and parse a recipe; raises `RecipeError`, also if the file cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RecipeError(f"it cannot be read: {error.strerror}", 1, 1, str(path)) from error
    return decode(content, path)


def decode(content: bytes, path: Path) -> Source:
    """Return the recipe in the bytes of a file; raises `RecipeError`."""
    if len(content) > MAX_BYTES:
        raise RecipeError(f"it has more than {MAX_BYTES} bytes", 1, 1, str(path))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RecipeError("this is not UTF-8", line, 1, str(path)) from error
    return Source(path, text, parse(text, str(path)))


def searchable_names(recipe: Recipe) -> Iterator[str]:
    """Yield the names that ``-k`` searches: the path, the title and the tags of a recipe."""
    yield recipe.path
    yield recipe.header.title
    yield from recipe.header.tags
