"""Align expected lines with the lines of an output that does not match them.

The alignment leaves few lines without a partner.  It is found by dynamic programming: each
cell keeps only its cheapest path, with the bindings of this path.  A dearer path with
better bindings is lost, so the alignment is good, but not always the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import takewhile
from operator import attrgetter

from shellplay.recipe.bindings import Bindings
from shellplay.recipe.pattern_match import Quantifier
from shellplay.recipe.step_patterns import StepPatterns

MAX_CELLS = 100_000
# One difference costs more than all the lines that `...` can match instead.
DIFFERENCE_COST = 1_000_000
WILDCARD_LINE_COST = 1


@dataclass(frozen=True, slots=True)
class Aligned:
    """An expected line with the lines of output that it matches, or either of them alone.

    ``item`` is the index of the expected line; None: nothing expected these lines.
    ``fits`` is also true of an optional expected line without lines.
    """

    item: int | None
    lines: tuple[str, ...]
    fits: bool


def align(patterns: StepPatterns, lines: Sequence[str], bindings: Bindings) -> list[Aligned]:
    """Return all expected lines and all lines of output, aligned, in order."""
    first, bindings = _match_prefix(patterns, lines, bindings)
    prefix = [Aligned(at, (lines[at],), True) for at in range(first)]
    # The table grows with rows times columns. Lines beyond its width count as unexpected,
    # so a long output cannot make the alignment slow.
    width = MAX_CELLS // (len(patterns.items) - first + 1)
    table = Table(patterns, lines[first : first + width], first, bindings)
    surplus = [Aligned(None, (line,), False) for line in lines[first + width :]]
    return _missing_first([*prefix, *table.best_path(), *surplus])


def _match_prefix(
    patterns: StepPatterns, lines: Sequence[str], bindings: Bindings
) -> tuple[int, Bindings]:
    """Return how many lines at the start match one to one, and the bindings after them."""
    at = 0
    length = min(len(patterns.items), len(lines))
    while at < length and patterns.quantifier(at) is Quantifier.ONE:
        after = patterns.fit(at, lines[at], bindings)
        if after is None:
            break
        at, bindings = at + 1, after
    return at, bindings


def _missing_first(path: list[Aligned]) -> list[Aligned]:
    """Put missing lines before the unexpected lines next to them, as diff(1) does."""
    result: list[Aligned] = []
    while len(result) < len(path):
        remaining = path[len(result) :]
        different = list(takewhile(lambda each: not each.fits, remaining))
        result += sorted(different, key=lambda each: each.item is None) or remaining[:1]
    return result


class Move(Enum):
    """The last move of a path into a cell of the table."""

    START = auto()
    FITS = auto()  # an expected line matches a line of output
    MORE = auto()  # the same expected line matches one more line
    MISSING = auto()  # no line of output matches an expected line
    NEW = auto()  # no expected line matches a line of output


@dataclass(frozen=True, slots=True)
class Cell:
    """The cheapest path into a cell: its cost, its last move and its bindings."""

    cost: int
    move: Move
    bindings: Bindings


class Table:
    """The cheapest path for the first R expected lines and the first C lines of output.

    R is the row and C the column; both begin at 0.
    """

    def __init__(
        self, patterns: StepPatterns, lines: Sequence[str], first: int, bindings: Bindings
    ) -> None:
        self._patterns = patterns
        self._lines = lines
        self._first = first
        self._rows: list[list[Cell]] = []
        for row in range(len(patterns.items) - first + 1):
            self._rows.append([])
            for column in range(len(lines) + 1):
                paths = self._paths_into(row, column) or [Cell(0, Move.START, bindings)]
                self._rows[row].append(min(paths, key=attrgetter("cost")))

    def best_path(self) -> list[Aligned]:
        """Return the cheapest path through the whole table, from first to last line."""
        row, column = len(self._rows) - 1, len(self._lines)
        path: list[Aligned] = []
        lines: tuple[str, ...] = ()
        while (move := self._rows[row][column].move) is not Move.START:
            item = self._first + row - 1
            if move in (Move.FITS, Move.MORE):
                lines = (self._lines[column - 1], *lines)
            if move is Move.NEW:
                path.append(Aligned(None, (self._lines[column - 1],), False))
            elif move is not Move.MORE:
                optional = self._patterns.quantifier(item).optional
                path.append(Aligned(item, lines, move is Move.FITS or optional))
                lines = ()
            row -= move in (Move.FITS, Move.MISSING)
            column -= move in (Move.FITS, Move.MORE, Move.NEW)
        return path[::-1]

    def _paths_into(self, row: int, column: int) -> list[Cell]:
        """Return all paths into a cell; among equal costs, the earlier is better."""
        paths: list[Cell] = []
        item = self._first + row - 1
        quantifier = self._patterns.quantifier(item) if row else Quantifier.ONE
        if row and column:
            paths += self._path_if_fits(
                Move.FITS, self._rows[row - 1][column - 1], item, column
            )
            left = self._rows[row][column - 1]
            if quantifier.repeats and left.move in (Move.FITS, Move.MORE):
                paths += self._path_if_fits(Move.MORE, left, item, column)
        if row:
            up = self._rows[row - 1][column]
            price = 0 if quantifier.optional else DIFFERENCE_COST
            paths.append(Cell(up.cost + price, Move.MISSING, up.bindings))
        if column:
            left = self._rows[row][column - 1]
            paths.append(Cell(left.cost + DIFFERENCE_COST, Move.NEW, left.bindings))
        return paths

    def _path_if_fits(self, move: Move, before: Cell, item: int, column: int) -> list[Cell]:
        after = self._patterns.fit(item, self._lines[column - 1], before.bindings)
        if after is None:
            return []
        is_wildcard = self._patterns.quantifier(item) is Quantifier.LINES
        price = WILDCARD_LINE_COST if is_wildcard else 0
        return [Cell(before.cost + price, move, after)]
