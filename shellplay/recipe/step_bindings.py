"""The names of one step: what may be bound to what while its output is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shellplay.recipe.bindings import Bindings
from shellplay.recipe.document import Expected
from shellplay.recipe.pattern import pattern
from shellplay.recipe.pattern_match import Pattern
from shellplay.recipe.tag import Tag


@dataclass(frozen=True, slots=True)
class Names:
    """The expected lines of a step as patterns, and which of their names must differ.

    Names of ``rivals[name]`` may not have its value.
    """

    items: tuple[tuple[Expected, Pattern], ...]
    rivals: dict[str, frozenset[str]]
    distinct: tuple[str, ...]

    @classmethod
    def of(
        cls, expected: Sequence[Expected], bindings: Bindings, distinct: Sequence[str]
    ) -> Names:
        """Return the patterns of expected lines, given what is bound before."""
        items = tuple((line, pattern(line.text)) for line in expected)
        new: dict[str, Tag] = {}
        for _, each in items:
            for tag in each.tags:
                if tag.name and tag.name not in bindings:
                    new.setdefault(tag.name, tag)
        rivals = {}
        for name, tag in new.items():
            others = {n for n, other in new.items() if tag.identity and other.type == tag.type}
            others |= set(distinct) if name in distinct else set()
            rivals[name] = frozenset(others - {name})
        return cls(items, rivals, tuple(distinct))

    def collision(self, bindings: Bindings) -> tuple[str, str] | None:
        """Return two names that must differ and do not."""
        seen: dict[str, str] = {}
        for name in self.distinct:
            if name in bindings:
                other = seen.setdefault(bindings[name].value, name)
                if other != name:
                    return other, name
        return None

    def fit(self, item: int, line: str, bindings: Bindings) -> Bindings | None:
        """Return the bindings after a line of output, or None if it does not fit this item."""
        expected, each = self.items[item]

        def bind(known: Bindings, tag: Tag, value: str) -> Bindings | None:
            name = tag.name or ""
            if name in known:
                return known if known[name].value == value else None
            rivals = self.rivals.get(name, ())
            if any(other in known and known[other].value == value for other in rivals):
                return None
            return known.bound(name, value, expected.line)

        return each.fit(line, bindings, bind)
