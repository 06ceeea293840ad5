"""The known differences with their reasons: the tables of docs/docker-parity.md."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from tests.parity.compare import Difference

PAGE = Path(__file__).parents[2] / "docs" / "docker-parity.md"
HEADING = "| question |"
ROW = re.compile(r"\| (?P<questions>`.+?`) \| (?P<scenarios>[^|]+) \| (?P<reason>[^|]+) \|")


class Listed(NamedTuple):
    """One row: patterns of questions, the scenarios of the row, and the reason."""

    questions: tuple[str, ...]
    scenarios: tuple[str, ...]
    reason: str

    def covers(self, difference: Difference) -> bool:
        """Tell whether the row covers a difference."""
        return any(
            fnmatchcase(difference.question, pattern) for pattern in self.questions
        ) and (self.scenarios == ("all",) or difference.scenario in self.scenarios)


def listed_lines(text: str) -> list[str]:
    """Return the rows of the tables of questions; other tables list options."""
    tables = [part.strip().splitlines() for part in text.split("\n\n")]
    return [
        line for table in tables if table and table[0].startswith(HEADING) for line in table[2:]
    ]


def rows(text: str) -> list[Listed]:
    """Read the rows of the tables of questions."""
    return [
        Listed(
            tuple(re.findall(r"`(.+?)`", row["questions"])),
            tuple(each.strip() for each in row["scenarios"].split(",")),
            row["reason"].strip(),
        )
        for row in map(ROW.fullmatch, listed_lines(text))
        if row is not None
    ]


def unlisted(found: Iterable[Difference], known: list[Listed]) -> list[Difference]:
    """Return the differences that no row covers."""
    return [each for each in found if not any(row.covers(each) for row in known)]


def unseen(found: list[Difference], known: list[Listed]) -> list[Listed]:
    """Return the rows that cover no difference."""
    return [row for row in known if not any(row.covers(each) for each in found)]
