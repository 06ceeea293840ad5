"""The search for a way in which all lines of an output fit all expected lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shellplay.errors import RecipeError
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.pattern_match import Many
from shellplay.recipe.step_bindings import Names

COMPARISONS = 50_000
COMPARISONS_OF_A_LINE = 5


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
        known, matter = state.bindings, self._matter[state.item]
        self._spend(len(matter), self._many[state.item][1])
        values = (known[name].value if name in known else None for name in matter)
        return state.item, state.line, *values

    def _go_on(self, state: State) -> None:
        """Put what may follow on the pile, the first choice on top."""
        many, _ = self._many[state.item]
        if many is Many.LINES:
            self._skip(state)
            return
        fits = self._after(state.item, state.line, state.bindings)
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
            while line < len(self._lines):
                if self._after(state.item + 1, line, state.bindings) is not None:
                    break
                line += 1
        if line < len(self._lines):
            self._waiting.append(State(state.item, line + 1, state.bindings, height, None))
        self._waiting.append(
            State(state.item + 1, line, state.bindings, height, state.bindings)
        )

    def _push(self, state: State, bound: Bindings, *, items: int = 1, used: int = 0) -> None:
        self._waiting.append(
            State(state.item + items, state.line + used, bound, state.height, state.begun)
        )

    def _after(self, item: int, line: int, bindings: Bindings) -> Bindings | None:
        """Return the bindings after a line, or None if it does not fit or there is none."""
        if line == len(self._lines):
            return None
        _, at = self._many[item]
        self._spend(1, at)
        return self._names.fit(at, self._lines[line], bindings)

    def _spend(self, work: int, at: int) -> None:
        self._left -= work
        if self._left < 0:
            raise RecipeError(
                "there are too many ways to match this with the output",
                self._names.items[at][0].line,
                fix="use fewer ... and quantifiers",
            )


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
