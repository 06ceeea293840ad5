"""Search for a way in which all lines of an output match all expected lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shellplay.errors import RecipeError
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.pattern_match import Quantifier
from shellplay.recipe.step_patterns import StepPatterns

# A search gives up after so many comparisons, and so many more for each line of output.
COMPARISONS = 50_000
COMPARISONS_OF_A_LINE = 5


@dataclass(frozen=True, slots=True)
class State:
    """A point of the search: the next expected line (``item``) and the next line of output.

    The last two fields are about the last ``...`` before this point.  ``height`` is the
    number of states on the stack at its start; ``end_bindings`` are the bindings at its
    end (None: there is no ``...`` before this point, or the point is within it).
    """

    item: int
    line: int
    bindings: Bindings
    height: int = 0
    end_bindings: Bindings | None = None


class Search:
    """A depth-first search through all ways to match; it visits no state twice."""

    def __init__(self, patterns: StepPatterns, lines: Sequence[str]) -> None:
        self._patterns = patterns
        self._lines = lines
        self._items = _unfold(patterns)
        self._deciding = _deciding_names(patterns, self._items)
        self._budget = COMPARISONS + COMPARISONS_OF_A_LINE * len(lines)
        self._stack: list[State] = []

    def run(self, bindings: Bindings) -> Bindings | None:
        """Return the bindings of the first way that matches; None if no way matches.

        Raises `RecipeError` after too many comparisons.
        """
        self._stack = [State(0, 0, bindings)]
        visited = set()
        while self._stack:
            state = self._stack.pop()
            if state.item == len(self._items):
                if state.line == len(self._lines):
                    return state.bindings
                continue
            key = self._key(state)
            if key not in visited:
                visited.add(key)
                self._expand(state)
        return None

    def _key(self, state: State) -> tuple[object, ...]:
        """Return a key that is equal for states that match, or fail, alike."""
        known, deciding = state.bindings, self._deciding[state.item]
        self._spend(len(deciding), self._items[state.item][1])
        values = (known[name].value if name in known else None for name in deciding)
        return state.item, state.line, *values

    def _expand(self, state: State) -> None:
        """Push all states that may follow; the first choice is last, so it is popped first."""
        quantifier, _ = self._items[state.item]
        if quantifier is Quantifier.LINES:
            self._skip(state)
            return
        fits = self._bindings_after(state.item, state.line, state.bindings)
        if quantifier.optional:
            self._push(state, state.bindings)
        if fits is not None:
            again = 0 if quantifier is Quantifier.ANY else 1
            self._push(state, fits, items=again, used=1)

    def _skip(self, state: State) -> None:
        """Expand a state at ``...``: go on at the first line that fits the next item."""
        if state.end_bindings is state.bindings:
            # The items since the last `...` bound no name. To match them further down
            # gives the same bindings and leaves fewer lines, so drop these choices.
            del self._stack[state.height :]
        height = len(self._stack)
        if state.item + 1 == len(self._items):
            self._stack.append(State(state.item + 1, len(self._lines), state.bindings))
            return
        follows, _ = self._items[state.item + 1]
        line = state.line
        if follows is Quantifier.ONE:
            while line < len(self._lines):
                if self._bindings_after(state.item + 1, line, state.bindings) is not None:
                    break
                line += 1
        if line < len(self._lines):
            self._stack.append(State(state.item, line + 1, state.bindings, height, None))
        self._stack.append(State(state.item + 1, line, state.bindings, height, state.bindings))

    def _push(self, state: State, bound: Bindings, *, items: int = 1, used: int = 0) -> None:
        self._stack.append(
            State(
                state.item + items,
                state.line + used,
                bound,
                state.height,
                state.end_bindings,
            )
        )

    def _bindings_after(self, item: int, line: int, bindings: Bindings) -> Bindings | None:
        """Return the bindings after a line; None if it does not fit or the output has ended."""
        if line == len(self._lines):
            return None
        _, at = self._items[item]
        self._spend(1, at)
        return self._patterns.fit(at, self._lines[line], bindings)

    def _spend(self, work: int, at: int) -> None:
        self._budget -= work
        if self._budget < 0:
            raise RecipeError(
                "there are too many ways to match this with the output",
                self._patterns.items[at][0].line,
                fix="use fewer ... and quantifiers",
            )


def _unfold(patterns: StepPatterns) -> list[tuple[Quantifier, int]]:
    """Return the quantifier and index of each item to match.

    An item with ``+`` becomes two, one line and any number of lines.  Of adjacent ``...``
    only the first counts.
    """
    found: list[tuple[Quantifier, int]] = []
    for at, (_, each) in enumerate(patterns.items):
        if each.quantifier is Quantifier.SOME:
            found += [(Quantifier.ONE, at), (Quantifier.ANY, at)]
        elif (
            each.quantifier is not Quantifier.LINES
            or not found
            or found[-1][0] is not Quantifier.LINES
        ):
            found.append((each.quantifier, at))
    return found


def _deciding_names(
    patterns: StepPatterns, items: list[tuple[Quantifier, int]]
) -> list[tuple[str, ...]]:
    """Return for each item the names whose values decide whether the later items match."""
    deciding: set[str] = set()
    found: list[tuple[str, ...]] = [()]
    for _, at in reversed(items):
        for tag in patterns.items[at][1].tags:
            if tag.name in patterns.rivals:
                deciding |= {tag.name, *patterns.rivals[tag.name]}
        found.append(tuple(sorted(deciding)))
    return found[::-1]
