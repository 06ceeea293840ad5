"""Patterns as values: how a line of output fits one expected line, and what it binds.

A plain line is cut at each ``<...>`` into parts.  A part matches in one way from where it
begins, and ``<...>`` ends at the first place where the next part fits, which is never
reconsidered: the time to match grows with the line, whatever pattern and line hold.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from shellplay.recipe.bindings import Bindings
from shellplay.recipe.line import BLANKS
from shellplay.recipe.tag import Tag

Bind = Callable[[Bindings, Tag, str], Bindings | None]
CACHED = 4096


class Many(Enum):
    """How many lines of output one expected line stands for."""

    ONE = ""
    OPTIONAL = "?"
    ANY = "*"
    SOME = "+"
    LINES = "..."

    @property
    def optional(self) -> bool:
        """Return whether it may stand for no line at all."""
        return self in (Many.OPTIONAL, Many.ANY, Many.LINES)

    @property
    def repeats(self) -> bool:
        """Return whether it may stand for more than one line."""
        return self in (Many.ANY, Many.SOME, Many.LINES)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What one expected line means; this one fits every line, as ``...`` does."""

    many: Many = Many.ONE

    @property
    def tags(self) -> tuple[Tag, ...]:
        """Return the named tags in the order in which they stand."""
        return ()

    def fit(self, line: str, bindings: Bindings, bind: Bind) -> Bindings | None:
        """Return the bindings after this line of output, or None if it does not match.

        ``bind`` says what becomes of bindings when a tag takes a value: None if it cannot.
        """
        return bindings


@dataclass(frozen=True, slots=True)
class Literal(Pattern):
    """The exact text of a line, every blank of it."""

    text: str = ""

    def fit(self, line: str, bindings: Bindings, bind: Bind) -> Bindings | None:
        """Compare."""
        return bindings if line == self.text else None


@dataclass(frozen=True, slots=True)
class Part:
    """What stands between two ``<...>``: ``before`` is the one on its left.

    The groups of ``regex`` are the named ``tags``.
    """

    regex: re.Pattern[str]
    tags: tuple[Tag, ...]
    before: Tag | None

    def places(self, line: str, position: int) -> Iterator[re.Match[str]]:
        """Yield where it fits, the leftmost first."""
        if self.before is None:
            if place := self.regex.match(line, position):
                yield place
            return
        while position <= len(line) and (place := self.regex.search(line, position)):
            yield place
            position = place.start() + 1

    def bound(
        self, place: re.Match[str], skipped: str, bindings: Bindings, bind: Bind
    ) -> Bindings | None:
        """Return the bindings if it stands in this place, after the text ``skipped``."""
        found: Bindings | None = bindings
        if self.before and self.before.name:
            found = bind(bindings, self.before, skipped)
        for tag, value in zip(self.tags, place.groups(), strict=True):
            if found is None:
                return None
            found = bind(found, tag, value)
        return found


@dataclass(frozen=True, slots=True)
class Plain(Pattern):
    """Text with tags; a glob is that, too."""

    parts: tuple[Part, ...] = ()

    @property
    def tags(self) -> tuple[Tag, ...]:
        """Return the named tags in the order in which they stand."""
        before = ([part.before] if part.before else [] for part in self.parts)
        every = [
            t for b, part in zip(before, self.parts, strict=True) for t in (*b, *part.tags)
        ]
        return tuple(tag for tag in every if tag.name)

    def fit(self, line: str, bindings: Bindings, bind: Bind) -> Bindings | None:
        """Match part after part, from left to right, in a line without its outer blanks."""
        line = line.strip(BLANKS)
        position = 0
        for part in self.parts:
            for place in part.places(line, position):
                found = part.bound(place, line[position : place.start()], bindings, bind)
                if found is not None:
                    bindings, position = found, place.end()
                    break
            else:
                return None
        return bindings


@dataclass(frozen=True, slots=True)
class Regex(Pattern):
    """A regular expression for the whole line: its text, and the tags in it."""

    pieces: tuple[str | Tag, ...] = ()

    @property
    def tags(self) -> tuple[Tag, ...]:
        """Return the named tags in the order in which they stand."""
        return tuple(p for p in self.pieces if isinstance(p, Tag) and p.name)

    def fit(self, line: str, bindings: Bindings, bind: Bind) -> Bindings | None:
        """Match a line without its outer blanks."""
        match = compiled(self.source(bindings)).fullmatch(line.strip(BLANKS))
        if not match:
            return None
        found: Bindings | None = bindings
        for tag in self.tags:
            if found is not None and tag.name not in bindings:
                # None: it stands in an alternative that was not taken.
                value = match[f"tag_{tag.name}"]
                found = found if value is None else bind(found, tag, value)
        return found

    def source(self, bindings: Bindings) -> str:
        """Return the regular expression, in which a name that is bound is its value."""
        new: set[str] = set()
        source = ""
        for piece in self.pieces:
            if isinstance(piece, str):
                source += piece
                continue
            source += "" if source[-1:].isalnum() else edge(piece)
            if piece.name and piece.name in bindings:
                source += re.escape(bindings[piece.name].value) + _end(piece)
            elif piece.name in new:
                source += f"(?P=tag_{piece.name}){_end(piece)}"
            elif piece.name:
                source += group(piece, f"?P<tag_{piece.name}>")
                new.add(piece.name)
            else:
                source += group(piece, "?:")
        return source


def group(tag: Tag, head: str) -> str:
    """Return the expression for a tag, as a group with this head."""
    return f"({head}(?>{tag.type.regex if tag.type else '.*'}))"


def edge(tag: Tag) -> str:
    """Return the expression for this: here no value begins in the middle of a longer one."""
    return f"(?<!{tag.type.inside})" if tag.type and tag.type.inside else ""


def _end(tag: Tag) -> str:
    return f"(?!{tag.type.inside})" if tag.type and tag.type.inside else ""


@lru_cache(CACHED)
def compiled(source: str) -> re.Pattern[str]:
    """Return a regular expression, compiled; raises what `re.compile` raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "possible nested set": it means what it says
        return re.compile(source)
