"""What a view returns: something that draws itself as lines of styled text for a width.

Tables of thousands of rows are drawn here in milliseconds, where a general table library
takes most of a second, and nothing has to be imported for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from shellplay.views import text_width

# Style and text, as in prompt_toolkit's formatted text: a bar can show them as they are.
Fragment = tuple[str, str]
Line = list[Fragment]

GAP = 2
WORTH_SHOWING = 4
WIDE_ENOUGH_TO_INDENT = 24


class Drawing(ABC):
    """Something that can be drawn for any width."""

    @abstractmethod
    def lines(self, width: int) -> list[Line]:
        """Return lines of at most ``width`` cells."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``keep`` says how long it stays on a terminal that gets narrower.

    Columns with a smaller ``keep`` go first; those with None stay.  ``limit`` is the most
    cells it takes, for names that may be long.
    """

    title: str
    keep: int | None = None
    right: bool = False
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Table(Drawing):
    """Rows under titles; the last column takes the room that is left, and is cut to it.

    ``levels`` indents the last cell of each row; ``below`` are lines under the table; other
    columns leave to give the last one up to ``least`` cells.  Cells are safe text without
    line ends.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Fragment]]
    levels: Sequence[int] = ()
    below: Sequence[Line] = ()
    least: int = 10

    def lines(self, width: int) -> list[Line]:
        """Return the titles, the rows and what is below them."""
        natural = self._natural_widths()
        shown = self._shown(natural, width)
        last = shown[-1]
        room = max(width - _taken(shown, natural), 1)
        titles: Line = [("bold", column.title) for column in self.columns]
        drawn = [self._row(titles, shown, natural, text_width.fit(titles[last][1], room))]
        step = 2 if room >= WIDE_ENOUGH_TO_INDENT else 1
        for number, row in enumerate(self.rows):
            level = self.levels[number] if self.levels else 0
            indent = " " * min(step * level, room // 2)
            text = text_width.fit(indent + row[last][1], room)
            drawn.append(self._row(row, shown, natural, text))
        drawn += [cut(line, width) for line in self.below]
        return drawn

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
        """Return the indexes of the columns that there is room for."""
        shown = list(range(len(self.columns)))
        least = min(natural[-1], self.least)
        going = [(column.keep, index) for index, column in enumerate(self.columns[:-1])]
        leavers = sorted((keep, index) for keep, index in going if keep is not None)
        for _, index in leavers:
            if _taken(shown, natural) + least <= width:
                break
            shown.remove(index)
        while len(shown) > 1 and _taken(shown, natural) + WORTH_SHOWING > width:
            shown.pop()
        return shown

    def _row(
        self, row: Sequence[Fragment], shown: list[int], natural: list[int], text: str
    ) -> Line:
        drawn: Line = []
        *fixed, last = shown
        for index in fixed:
            style, content = row[index]
            content = text_width.fit(content, natural[index])
            right = self.columns[index].right
            drawn.append((style, text_width.pad(content, natural[index], right=right)))
            drawn.append(("", " " * GAP))
        drawn.append((row[last][0], text))
        return drawn


def _taken(shown: Sequence[int], natural: Sequence[int]) -> int:
    """Return the cells that all shown columns but the last take, with their gaps."""
    return sum(natural[index] + GAP for index in shown[:-1])


def cut(line: Line, width: int) -> Line:
    """Cut a line to at most ``width`` cells."""
    drawn: Line = []
    for style, text in line:
        room = width - sum(text_width.width(each) for _, each in drawn)
        if room <= 0:
            break
        drawn.append((style, text_width.fit(text, room)))
    return drawn
