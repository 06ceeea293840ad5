"""Parse the text of an article into a `Recipe`."""

from __future__ import annotations

import re

from shellplay.errors import RecipeError
from shellplay.nearest import did_you_mean, nearest, quoted
from shellplay.recipe import duration, header
from shellplay.recipe.block import read_block
from shellplay.recipe.document import Block, Direction, Header, Part, Prose, Recipe
from shellplay.recipe.line import BLANKS
from shellplay.recipe.tag_scope import check_names

LANGUAGE = "shellplay"
FENCE = re.compile(r"(?P<indent> {0,3})(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>.*?)[ \t]*")
DIRECTION = re.compile(r"<!--\s*play\s*:(?P<words>.*?)-->[ \t]*")
DIRECTIONS = {"pause": (0, 1), "clear": (0, 0), "type": (1, 1), "hide": (0, 0), "show": (0, 0)}
LIKENESS = 0.85


def parse(text: str, path: str = "") -> Recipe:
    """Return the recipe of a text; ``path`` is its file, for errors.

    Raises `RecipeError` with the line, the column and what was expected.
    """
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    return Parser(lines, path).recipe()


class Parser:
    """Reads an article from its first line to its last; ``_at`` counts lines from 0."""

    def __init__(self, lines: list[str], path: str) -> None:
        self._lines = lines
        self._path = path
        self._at = 0
        self._parts: list[Part] = []
        self._prose: list[str] = []

    def recipe(self) -> Recipe:
        """Return the recipe; raises `RecipeError`."""
        found = self._header()
        while self._at < len(self._lines):
            self._part()
        self._end_prose()
        recipe = Recipe(found, tuple(self._parts), self._path)
        check_names(recipe)
        return recipe

    def _error(self, message: str, line: int, column: int = 1, fix: str = "") -> RecipeError:
        return RecipeError(message, line + 1, column, self._path, fix or None)

    def _header(self) -> Header:
        marks = [at for at, line in enumerate(self._lines) if line.rstrip() == header.FENCE]
        if not marks or marks[0] != 0:
            fix = "begin with the lines +++, shellplay = 1, +++"
            raise self._error("expected a header", 0, fix=fix)
        if len(marks) == 1:
            raise self._error("the header is not closed", 0, fix="add a line +++")
        self._at = marks[1] + 1
        return header.read("\n".join(self._lines[1 : marks[1]]), self._path)

    def _part(self) -> None:
        """Read the next line of prose, code fence of any language, block or direction."""
        line = self._lines[self._at]
        fence = FENCE.fullmatch(line)
        if fence and not ("`" in fence["info"] and fence["fence"][0] == "`"):
            self._fence(fence)
        elif match := DIRECTION.fullmatch(line):
            self._end_prose()
            self._parts.append(self._direction(match))
            self._at += 1
        else:
            self._prose.append(line)
            self._at += 1

    def _fence(self, fence: re.Match[str]) -> None:
        first = self._at
        language, _, flow = fence["info"].partition(" ")
        last = self._closing(fence)
        if language == LANGUAGE:
            if fence["indent"]:
                raise self._error("a shellplay block begins in column 1", first, 1)
            self._end_prose()
            items = read_block(self._lines, range(first + 1, last), self._path)
            self._parts.append(Block(items, flow.strip(BLANKS), first + 1))
        elif nearest(language, [LANGUAGE], LIKENESS):
            column = fence.start("info") + 1
            message = f"{quoted(language)} is not a language of a block"
            raise self._error(message, first, column, f'did you mean "{LANGUAGE}"?')
        else:
            self._prose += self._lines[first : last + 1]
        self._at = last + 1

    def _closing(self, fence: re.Match[str]) -> int:
        """Return the line that closes a code fence: as many of the same characters, or more."""
        mark = re.escape(fence["fence"][0])
        closing = re.compile(rf" {{0,3}}{mark}{{{len(fence['fence'])},}}[ \t]*")
        for at in range(self._at + 1, len(self._lines)):
            if closing.fullmatch(self._lines[at]):
                return at
        is_block = fence["info"].partition(" ")[0] == LANGUAGE
        message = f"this {'block' if is_block else 'code fence'} is not closed"
        raise self._error(message, self._at, fix=f"add a line {fence['fence']}")

    def _direction(self, match: re.Match[str]) -> Direction:
        name, *values = match["words"].split() or [""]
        column = match.start("words") + 1
        column += len(match["words"]) - len(match["words"].lstrip())
        if name not in DIRECTIONS:
            message = f"there is no direction {quoted(name)}"
            fix = did_you_mean(name, DIRECTIONS)
            raise self._error(message, self._at, column, fix)
        fewest, most = DIRECTIONS[name]
        if not fewest <= len(values) <= most:
            wanted = f"expected {duration.FORM}" if not values else "expected nothing more"
            raise self._error(f"{name}: {wanted}", self._at, column)
        try:
            seconds = duration.seconds(values[0]) if values else None
        except ValueError as error:
            raise self._error(f"{name}: {error}", self._at, column) from error
        return Direction(name, seconds, self._at + 1)

    def _end_prose(self) -> None:
        """Add the lines of prose read so far as one part, without empty lines around it."""
        lines, self._prose = self._prose, []
        first = self._at - len(lines)
        while lines and not lines[0].strip(BLANKS):
            del lines[0]
            first += 1
        while lines and not lines[-1].strip(BLANKS):
            del lines[-1]
        if lines:
            self._parts.append(Prose("\n".join(lines), first + 1))
