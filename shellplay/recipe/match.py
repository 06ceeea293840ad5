"""Matching: does the output of a step fit what was expected, and what does it bind?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shellplay.errors import RecipeError
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.document import Expected
from shellplay.recipe.fitting import Many, Pattern
from shellplay.recipe.output import lines
from shellplay.recipe.pattern import pattern
from shellplay.recipe.tag import Tag

COMPARISONS = 100_000
COMPARISONS_OF_A_LINE = 10


def match(
    expected: Sequence[Expected],
    output: str,
    bindings: Bindings,
    *,
    distinct: Sequence[str] = (),
) -> Bindings | None:
    """Return the bindings after this output, or None if it is not what was expected.

    ``distinct`` are names that must stand for different values.  Of all ways to match the
    first is taken in which each ``...`` is as short as possible.  Raises `RecipeError` if
    there are too many ways to try them all.
    """
    names = Names.of(expected, bindings, distinct)
    if names.collision(bindings):
        return None
    return Search(names, lines(output)).run(bindings)


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


@dataclass(frozen=True, slots=True)
class State:
    """The search at an item and a line; ``since`` is the last ``...`` before it, if any.

    ``height`` is how many states waited when that ``...`` began, with ``begun`` bound.
    """

    item: int
    line: int
    bindings: Bindings
    height: int = 0
    begun: Bindings | None = None


class Search:
    """A search through all ways to match, depth first, that tries nothing twice."""

    def __init__(self, names: Names, found: Sequence[str]) -> None:
        self._names = names
        self._lines = found
        self._many = _unfolded(names)
        self._matter = _what_matters(names, self._many)
        self._left = COMPARISONS + COMPARISONS_OF_A_LINE * len(found)
        self._waiting: list[State] = []

    def run(self, bindings: Bindings) -> Bindings | None:
        """Return the bindings of the first way that matches, or None."""
        self._waiting = [State(0, 0, bindings)]
        seen = set()
        while self._waiting:
            state = self._waiting.pop()
            if state.item == len(self._many):
                if state.line == len(self._lines):
                    return state.bindings
                continue
            key = self._key(state)
            if key not in seen:
                seen.add(key)
                self._go_on(state)
        return None

    def _key(self, state: State) -> tuple[object, ...]:
        known = state.bindings
        values = (known[n].value if n in known else None for n in self._matter[state.item])
        return state.item, state.line, *values

    def _go_on(self, state: State) -> None:
        """Put what may follow on the pile, the first choice on top."""
        many, _ = self._many[state.item]
        if many is Many.LINES:
            self._skip(state)
            return
        fits = self._after(state)
        if many.optional:
            self._push(state, state.bindings)
        if fits is not None:
            again = 0 if many is Many.ANY else 1
            self._push(state, fits, items=again, used=1)

    def _skip(self, state: State) -> None:
        """Go on behind ``...`` at the first line where what follows fits."""
        if state.begun is state.bindings:
            # What stood since the last `...` bound nothing, so to find it further down
            # would leave less for what follows and change nothing else.
            del self._waiting[state.height :]
        height = len(self._waiting)
        if state.item + 1 == len(self._many):
            self._waiting.append(State(state.item + 1, len(self._lines), state.bindings))
            return
        follows, _ = self._many[state.item + 1]
        line = state.line
        if follows is Many.ONE:
            here = State(state.item + 1, line, state.bindings)
            while line < len(self._lines) and self._after(here) is None:
                line += 1
                here = State(state.item + 1, line, state.bindings)
        if line < len(self._lines):
            self._waiting.append(State(state.item, line + 1, state.bindings, height, None))
        self._waiting.append(
            State(state.item + 1, line, state.bindings, height, state.bindings)
        )

    def _push(self, state: State, bound: Bindings, *, items: int = 1, used: int = 0) -> None:
        self._waiting.append(
            State(state.item + items, state.line + used, bound, state.height, state.begun)
        )

    def _after(self, state: State) -> Bindings | None:
        if state.line == len(self._lines):
            return None
        self._left -= 1 + len(self._matter[state.item])
        _, item = self._many[state.item]
        if self._left < 0:
            raise RecipeError(
                "there are too many ways to match this with the output",
                self._names.items[item][0].line,
                fix="use fewer ... and quantifiers",
            )
        return self._names.fit(item, self._lines[state.line], state.bindings)


def _unfolded(names: Names) -> list[tuple[Many, int]]:
    """Return the items to match: ``+`` is one and any number, ``...`` twice is once."""
    found: list[tuple[Many, int]] = []
    for at, (_, each) in enumerate(names.items):
        if each.many is Many.SOME:
            found += [(Many.ONE, at), (Many.ANY, at)]
        elif each.many is not Many.LINES or not found or found[-1][0] is not Many.LINES:
            found.append((each.many, at))
    return found


def _what_matters(names: Names, many: list[tuple[Many, int]]) -> list[tuple[str, ...]]:
    """Return for each item the names whose values decide whether the rest can match."""
    matter: set[str] = set()
    found: list[tuple[str, ...]] = [()]
    for _, at in reversed(many):
        for tag in names.items[at][1].tags:
            if tag.name in names.rivals:
                matter |= {tag.name, *names.rivals[tag.name]}
        found.append(tuple(sorted(matter)))
    return found[::-1]
