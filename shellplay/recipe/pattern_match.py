"""Patterns of expected lines: whether a line of output fits, and which names it binds.

A plain line is cut at each ``<...>`` into parts.  From a given position, a part matches in
one way only.  ``<...>`` ends at the first position where the next part fits.  This choice
is final: there is no backtracking, so no pattern makes matching slow.
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


class Quantifier(Enum):
    """How many lines of output one expected line matches."""

    ONE = ""
    OPTIONAL = "?"
    ANY = "*"
    SOME = "+"
    LINES = "..."

    @property
    def optional(self) -> bool:
        """Return whether the expected line may match no line at all."""
        return self in (Quantifier.OPTIONAL, Quantifier.ANY, Quantifier.LINES)

    @property
    def repeats(self) -> bool:
        """Return whether the expected line may match more than one line."""
        return self in (Quantifier.ANY, Quantifier.SOME, Quantifier.LINES)


@dataclass(frozen=True, slots=True)
class Pattern:
    """The pattern of one expected line; this base class is ``...`` and fits every line."""

    quantifier: Quantifier = Quantifier.ONE

    @property
    def tags(self) -> tuple[Tag, ...]:
        """Return the named tags in the order of the line."""
        return ()

    def fit(self, line: str, bindings: Bindings, bind: Bind) -> Bindings | None:
        """Return the bindings after this line of output; None if the line does not match.

        ``bind`` returns the bindings after a tag takes a value; None if it must not.
        """
        return bindings


@dataclass(frozen=True, slots=True)
class Literal(Pattern):
    """The exact text of a line, with all its blanks."""

    text: str = ""

    def fit(self, line: str, bindings: Bindings, bind: Bind) -> Bindings | None:
        """Return the bindings unchanged if the line is exactly this text, else None."""
        return bindings if line == self.text else None


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a plain line between two ``<...>``.

    ``before`` is the ``<...>`` on its left; None: the part begins the line.  Each group of
    ``regex`` captures one of the named ``tags``, in the same order.
    """

    regex: re.Pattern[str]
    tags: tuple[Tag, ...]
    before: Tag | None

    def matches(self, line: str, position: int) -> Iterator[re.Match[str]]:
        """Yield the matches of this part at or after a position, the leftmost first."""
        if self.before is None:
            if match := self.regex.match(line, position):
                yield match
            return
        while position <= len(line) and (match := self.regex.search(line, position)):
            yield match
            position = match.start() + 1

    def bind_tags(
        self, match: re.Match[str], skipped: str, bindings: Bindings, bind: Bind
    ) -> Bindings | None:
        """Return the bindings if the part matches here; None if a tag must not take its value.

        ``skipped`` is the text that the ``<...>`` before the part takes.
        """
        found: Bindings | None = bindings
        if self.before and self.before.name:
            found = bind(bindings, self.before, skipped)
        for tag, value in zip(self.tags, match.groups(), strict=True):
            if found is None:
                return None
            found = bind(found, tag, value)
        return found


@dataclass(frozen=True, slots=True)
class Plain(Pattern):
    """A line of text with tags, cut into parts; a glob becomes such a line, too."""

    parts: tuple[Part, ...] = ()

    @property
    def tags(self) -> tuple[Tag, ...]:
        """Return the named tags in the order of the line."""
        tags = [tag for part in self.parts for tag in (part.before, *part.tags)]
        return tuple(tag for tag in tags if tag and tag.name)

    def fit(self, line: str, bindings: Bindings, bind: Bind) -> Bindings | None:
        """Match part after part, from left to right, in the line without its outer blanks."""
        line = line.strip(BLANKS)
        position = 0
        for part in self.parts:
            for match in part.matches(line, position):
                found = part.bind_tags(match, line[position : match.start()], bindings, bind)
                if found is not None:
                    bindings, position = found, match.end()
                    break
            else:
                return None
        return bindings


@dataclass(frozen=True, slots=True)
class Regex(Pattern):
    """A regular expression for the whole line: ``pieces`` are its text and its tags."""

    pieces: tuple[str | Tag, ...] = ()

    @property
    def tags(self) -> tuple[Tag, ...]:
        """Return the named tags in the order of the line."""
        return tuple(p for p in self.pieces if isinstance(p, Tag) and p.name)

    def fit(self, line: str, bindings: Bindings, bind: Bind) -> Bindings | None:
        """Match the line without its outer blanks."""
        match = compile_regex(self.source(bindings)).fullmatch(line.strip(BLANKS))
        if not match:
            return None
        found: Bindings | None = bindings
        for tag in self.tags:
            if found is not None and tag.name not in bindings:
                # None: the tag is in an alternative (a|b) that did not match.
                value = match[f"tag_{tag.name}"]
                found = found if value is None else bind(found, tag, value)
        return found

    def source(self, bindings: Bindings) -> str:
        """Return the regular expression, with the value of each bound name in its place."""
        new: set[str] = set()
        source = ""
        for piece in self.pieces:
            if isinstance(piece, str):
                source += piece
                continue
            source += "" if source[-1:].isalnum() else start_boundary(piece)
            if piece.name and piece.name in bindings:
                source += re.escape(bindings[piece.name].value) + _end_boundary(piece)
            elif piece.name in new:
                source += f"(?P=tag_{piece.name}){_end_boundary(piece)}"
            elif piece.name:
                source += tag_group(piece, f"?P<tag_{piece.name}>")
                new.add(piece.name)
            else:
                source += tag_group(piece, "?:")
        return source


def tag_group(tag: Tag, head: str) -> str:
    """Return the regular expression of a tag, as a group that begins with ``head``."""
    return f"({head}(?>{tag.type.regex if tag.type else '.*'}))"


def start_boundary(tag: Tag) -> str:
    """Return the regular expression for "no longer value of this type began before here"."""
    return f"(?<!{tag.type.characters})" if tag.type and tag.type.characters else ""


def _end_boundary(tag: Tag) -> str:
    return f"(?!{tag.type.characters})" if tag.type and tag.type.characters else ""


@lru_cache(CACHED)
def compile_regex(source: str) -> re.Pattern[str]:
    """Return the compiled regular expression, from a cache; raises what `re.compile` raises."""
    with warnings.catch_warnings():
        # `[[` gives the FutureWarning "possible nested set"; a set of characters is meant.
        warnings.simplefilter("ignore")
        return re.compile(source)
