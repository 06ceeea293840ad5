"""The best alignment of expected lines and lines that came, if they do not match.

As few lines as possible are left without a partner.  Each pair is made under the bindings
of the best way up to there, so this is dynamic programming that looks ahead nowhere: it
finds a good alignment, and not always the best there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import takewhile
from operator import attrgetter

from shellplay.recipe.bindings import Bindings
from shellplay.recipe.pattern_match import Many
from shellplay.recipe.step_bindings import Names

MOST_CELLS = 100_000
# One difference weighs more than all the lines that `...` may swallow to avoid it.
DIFFERENT = 1_000_000
SWALLOWED = 1


@dataclass(frozen=True, slots=True)
class Aligned:
    """An expected line (its number) and the lines it stands for, or one without the other.

    It ``fits`` also with no lines, if it is optional.
    """

    item: int | None
    lines: tuple[str, ...]
    fits: bool


def align(names: Names, found: Sequence[str], bindings: Bindings) -> list[Aligned]:
    """Return expected lines and lines that came, side by side, in order."""
    first, bindings = _beginning(names, found, bindings)
    same = [Aligned(at, (found[at],), True) for at in range(first)]
    # What is far beyond what was expected is new; nobody waits for more than that.
    width = MOST_CELLS // (len(names.items) - first + 1)
    table = Table(names, found[first : first + width], first, bindings)
    rest = [Aligned(None, (line,), False) for line in found[first + width :]]
    return _sorted([*same, *table.way(), *rest])


def _beginning(names: Names, found: Sequence[str], bindings: Bindings) -> tuple[int, Bindings]:
    """Return how many lines match one by one from the first on, and what they bind."""
    at = 0
    while at < min(len(names.items), len(found)) and names.items[at][1].many is Many.ONE:
        after = names.fit(at, found[at], bindings)
        if after is None:
            break
        at, bindings = at + 1, after
    return at, bindings


def _sorted(way: list[Aligned]) -> list[Aligned]:
    """Bring what has not come before what has come instead, as diffs do."""
    done: list[Aligned] = []
    while len(done) < len(way):
        rest = way[len(done) :]
        different = list(takewhile(lambda each: not each.fits, rest))
        done += sorted(different, key=lambda each: each.item is None) or rest[:1]
    return done


class Step(Enum):
    """How a cell of the table is reached."""

    START = auto()
    FITS = auto()  # an expected line and a line
    MORE = auto()  # one more line for the same expected line
    MISSING = auto()  # an expected line has not come
    NEW = auto()  # a line was not expected


@dataclass(frozen=True, slots=True)
class Cell:
    """The best way to bring some expected lines and some lines together."""

    cost: int
    step: Step
    bindings: Bindings


class Table:
    """The best way for each number of expected lines (rows) and of lines (columns)."""

    def __init__(
        self, names: Names, found: Sequence[str], first: int, bindings: Bindings
    ) -> None:
        self._names = names
        self._found = found
        self._first = first
        self._rows: list[list[Cell]] = []
        for row in range(len(names.items) - first + 1):
            self._rows.append([])
            for column in range(len(found) + 1):
                ways = self._ways(row, column) or [Cell(0, Step.START, bindings)]
                self._rows[row].append(min(ways, key=attrgetter("cost")))

    def way(self) -> list[Aligned]:
        """Return the best way from the first to the last."""
        row, column = len(self._rows) - 1, len(self._found)
        way: list[Aligned] = []
        lines: tuple[str, ...] = ()
        while (step := self._rows[row][column].step) is not Step.START:
            item = self._first + row - 1
            if step in (Step.FITS, Step.MORE):
                lines = (self._found[column - 1], *lines)
            if step is Step.NEW:
                way.append(Aligned(None, (self._found[column - 1],), False))
            elif step is not Step.MORE:
                optional = self._names.items[item][1].many.optional
                way.append(Aligned(item, lines, step is Step.FITS or optional))
                lines = ()
            row -= step in (Step.FITS, Step.MISSING)
            column -= step in (Step.FITS, Step.MORE, Step.NEW)
        return way[::-1]

    def _ways(self, row: int, column: int) -> list[Cell]:
        """Return all ways into a cell, the one to prefer among equals first."""
        ways: list[Cell] = []
        item = self._first + row - 1
        many = self._names.items[item][1].many if row else Many.ONE
        if row and column:
            ways += self._fitting(Step.FITS, self._rows[row - 1][column - 1], item, column)
            left = self._rows[row][column - 1]
            if many.repeats and left.step in (Step.FITS, Step.MORE):
                ways += self._fitting(Step.MORE, left, item, column)
        if row:
            up = self._rows[row - 1][column]
            price = 0 if many.optional else DIFFERENT
            ways.append(Cell(up.cost + price, Step.MISSING, up.bindings))
        if column:
            left = self._rows[row][column - 1]
            ways.append(Cell(left.cost + DIFFERENT, Step.NEW, left.bindings))
        return ways

    def _fitting(self, step: Step, before: Cell, item: int, column: int) -> list[Cell]:
        after = self._names.fit(item, self._found[column - 1], before.bindings)
        if after is None:
            return []
        price = SWALLOWED if self._names.items[item][1].many is Many.LINES else 0
        return [Cell(before.cost + price, step, after)]
