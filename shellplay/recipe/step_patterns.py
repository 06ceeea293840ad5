"""The patterns of the expected lines of one step, and the names that must differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shellplay.recipe.bindings import Bindings
from shellplay.recipe.document import Expected
from shellplay.recipe.pattern import pattern as read_pattern
from shellplay.recipe.pattern_match import Pattern, Quantifier
from shellplay.recipe.tag import Tag


@dataclass(frozen=True, slots=True)
class StepPatterns:
    """The expected lines of a step with their patterns, and the names that must differ.

    ``rivals[name]`` are the names that must not have the value of ``name``; only names that
    this step binds have an entry.
    """

    items: tuple[tuple[Expected, Pattern], ...]
    rivals: dict[str, frozenset[str]]
    distinct: tuple[str, ...]

    @classmethod
    def of(
        cls, expected: Sequence[Expected], bindings: Bindings, distinct: Sequence[str]
    ) -> StepPatterns:
        """Return the patterns of expected lines; ``bindings`` are those before the step."""
        items = tuple((line, read_pattern(line.text)) for line in expected)
        new: dict[str, Tag] = {}
        for _, pattern in items:
            for tag in pattern.tags:
                if tag.name and tag.name not in bindings:
                    new.setdefault(tag.name, tag)
        rivals = {}
        for name, tag in new.items():
            unequal = {n for n, each in new.items() if tag.identity and each.type == tag.type}
            unequal |= set(distinct) if name in distinct else set()
            rivals[name] = frozenset(unequal - {name})
        return cls(items, rivals, tuple(distinct))

    def collision(self, bindings: Bindings) -> tuple[str, str] | None:
        """Return two names that must differ but have the same value; None if there are none."""
        owners: dict[str, str] = {}
        for name in self.distinct:
            if name in bindings:
                owner = owners.setdefault(bindings[name].value, name)
                if owner != name:
                    return owner, name
        return None

    def quantifier(self, item: int) -> Quantifier:
        """Return how many lines of output the expected line with this index matches."""
        return self.items[item][1].quantifier

    def fit(self, item: int, line: str, bindings: Bindings) -> Bindings | None:
        """Return the bindings after a line of output; None if it does not fit this item."""
        expected, pattern = self.items[item]

        def bind(known: Bindings, tag: Tag, value: str) -> Bindings | None:
            name = tag.name or ""
            if name in known:
                return known if known[name].value == value else None
            rivals = self.rivals.get(name, ())
            if any(rival in known and known[rival].value == value for rival in rivals):
                return None
            return known.bind(name, value, expected.line)

        return pattern.fit(line, bindings, bind)
