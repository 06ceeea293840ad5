"""Drawings: a view returns a drawing, which becomes lines of styled text for any width.

This module draws a table of thousands of rows in milliseconds.  rich needs most of a second
for the same table, and its import alone takes longer than a command.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from shellplay.model import Value
from shellplay.views import text_width

# Style and text, as in prompt_toolkit's formatted text, so that its toolbar can show them.
Fragment = tuple[str, str]
Line = list[Fragment]

# In cells: the gap between columns; the least width of the last column; the width of the
# last column from which a level indents by two cells.
GAP = 2
MIN_LAST = 4
MIN_WIDE_INDENT = 24


class Drawing(ABC):
    """An object that can be drawn as lines for any width."""

    @abstractmethod
    def lines(self, width: int) -> list[Line]:
        """Return the drawing as lines of at most ``width`` cells."""


class Column(Value):
    """A column of a table.

    - ``keep``: on a narrow terminal, columns with the smallest ``keep`` are dropped first;
      None: never dropped.
    - ``right``: align the cells on the right.
    - ``limit``: the largest width in cells; None: as wide as its longest cell.
    """

    title: str
    keep: int | None = None
    right: bool = False
    limit: int | None = None


class Table(Drawing):
    """Rows below a line of titles; the last column is cut to the width that is left.

    - ``rows``: for each row one fragment for each column, safe text without line ends.
    - ``levels``: for each row, how deep its last cell is indented; empty: not at all.
    - ``below``: lines below the table.
    - ``least``: columns are dropped until the last one has this many cells.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Fragment]],
        levels: Sequence[int] = (),
        below: Sequence[Line] = (),
        least: int = 10,
    ) -> None:
        self.columns = columns
        self.rows = rows
        self.levels = levels
        self.below = below
        self.least = least

    def lines(self, width: int) -> list[Line]:
        """Return the titles, the rows, and the lines below the table."""
        natural = self._natural_widths()
        shown = self._shown(natural, width)
        last = shown[-1]
        room = max(width - _width_before_last(shown, natural), 1)
        titles: Line = [("bold", column.title) for column in self.columns]
        found = [self._row(titles, shown, natural, text_width.fit(titles[last][1], room))]
        step = 2 if room >= MIN_WIDE_INDENT else 1
        for number, row in enumerate(self.rows):
            level = self.levels[number] if self.levels else 0
            indent = " " * min(step * level, room // 2)
            text = text_width.fit(indent + row[last][1], room)
            found.append(self._row(row, shown, natural, text))
        found += [cut(line, width) for line in self.below]
        return found

    def _natural_widths(self) -> list[int]:
        rows = [[text for _, text in row] for row in self.rows]
        widest = (
            max(map(text_width.width, (column.title, *(row[index] for row in rows))))
            for index, column in enumerate(self.columns)
        )
        return [
            min(natural, column.limit or natural)
            for natural, column in zip(widest, self.columns, strict=True)
        ]

    def _shown(self, natural: list[int], width: int) -> list[int]:
        """Return the indexes of the columns that fit into ``width``."""
        shown = list(range(len(self.columns)))
        least = min(natural[-1], self.least)
        ranks = [(column.keep, index) for index, column in enumerate(self.columns[:-1])]
        droppable = sorted((keep, index) for keep, index in ranks if keep is not None)
        for _, index in droppable:
            if _width_before_last(shown, natural) + least <= width:
                break
            shown.remove(index)
        while len(shown) > 1 and _width_before_last(shown, natural) + MIN_LAST > width:
            shown.pop()
        return shown

    def _row(
        self, row: Sequence[Fragment], shown: list[int], natural: list[int], text: str
    ) -> Line:
        found: Line = []
        *leading, last = shown
        for index in leading:
            style, content = row[index]
            content = text_width.fit(content, natural[index])
            right = self.columns[index].right
            found.append((style, text_width.pad(content, natural[index], right=right)))
            found.append(("", " " * GAP))
        found.append((row[last][0], text))
        return found


def _width_before_last(shown: Sequence[int], natural: Sequence[int]) -> int:
    """Return the width of all shown columns except the last, with their gaps."""
    return sum(natural[index] + GAP for index in shown[:-1])


def cut(line: Line, width: int) -> Line:
    """Return a line cut to at most ``width`` cells, with an ellipsis if text was cut."""
    found: Line = []
    for style, text in line:
        room = width - sum(text_width.width(each) for _, each in found)
        if room <= 0:
            break
        found.append((style, text_width.fit(text, room)))
    return found
