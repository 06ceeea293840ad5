"""What a step that is recorded should expect: its output, with tags for what will change."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shellplay.recipe.bindings import Bindings
from shellplay.recipe.bless import expectation
from shellplay.recipe.document import Actor, Expected
from shellplay.recipe.line import ANY_LINES
from shellplay.recipe.match import match
from shellplay.recipe.output import lines
from shellplay.stage.record.ps_columns import Columns, columns
from shellplay.stage.record.value_tags import WORD
from shellplay.stage.record.values import ABOUT_PROCESSES, Values

DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
PATH = r"""(?:/(?:[^\s"'()<>|;,:=]*[^\s"'()<>|;,:=.])?)?"""
ABOVE = re.compile(r"d[rwxsStT-]{9}[.+@]? .* \.\.")
# ls -l: a folder is as large as its filesystem wants, and all columns are as wide as that.
LONG = re.compile(r"([-dlps][rwxsStT-]{9}[.+@]? +)\d+( +)(\S+)( +)(\S+)( +)\d[\w.]*( .*)")
TOTAL = re.compile(r"total \d[\w.]*")
OTHERS = re.compile(r"\+ \d+ other host process(?:es)?\b.*")
SAME_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Came:
    """One step that has been performed: who did what, where, and what came of it."""

    actor: Actor
    text: str
    output: str
    status: int = 0
    seconds: float = 0.0
    container: str | None = None
    # Which PID namespace its processes are in; whether they see no others.
    namespace: str = ""
    is_alone: bool = False


def expected(
    came: Came, values: Values, bindings: Bindings
) -> tuple[tuple[Expected, ...], Bindings]:
    """Return what a step should expect, and the bindings after it."""
    tagger = Tagger(came, values)
    found = expectation(tagger.proposals())
    after = match(found, came.output, bindings)
    if after is None:
        # A value has two names, or one name two values: no tag is better than a wrong one.
        found = expectation([(line, line) for line in lines(came.output)])
        after = match(found, came.output, bindings)
    return found, after or bindings


class Tagger:
    """Puts tags into the output of one step."""

    def __init__(self, came: Came, values: Values) -> None:
        self._came = came
        self._values = values
        self._known = values.moment.known
        self._inside = self._known.inside - self._known.host
        self._is_ours = came.actor is Actor.PLAY
        self._about_processes = bool(ABOUT_PROCESSES.search(came.text))
        self._lines = lines(came.output)
        self._has_above = any(map(ABOVE.fullmatch, self._lines))
        self._has_folders = any(
            line.startswith("d") and LONG.fullmatch(line) for line in self._lines
        )
        self._numbers = {int(each) for each in re.findall(r"(?a:\b\d{1,10}\b)", came.output)}
        self._pattern = re.compile("|".join(self._patterns()))
        # Processes of ours that have ended since the step has listed them.
        self._started: set[str] = set()

    def proposals(self) -> Sequence[tuple[str | None, str]]:
        """Return each line with what it should be expected as; None and ... for others."""
        found: list[tuple[str | None, str]] = []
        table: Columns | None = None
        rows: list[tuple[str | None, str]] = []
        for line in self._lines:
            cells = table.cells(line) if table else None
            if table and cells and table.pid(cells).isdigit():
                rows.append(self._row(table, cells, line))
                continue
            found += _rows(rows)
            rows = []
            table = columns(line)
            found.append((line, line if table else self._line(line)))
        return [*found, *_rows(rows)]

    # -- a list of processes -------------------------------------------------------------

    def _row(self, table: Columns, cells: list[str], line: str) -> tuple[str | None, str]:
        if not self._belongs(table, cells):
            return None, ANY_LINES
        if table.pid(cells) == str(os.getpid()):
            # How we were started is not how it will be performed: among others any row
            # would do for it, and there would be as many ways to match.
            if "ROLE" not in table.names:
                return None, ANY_LINES
            parent = table.names.index("PPID")
            cells[parent] = re.sub(r"\d+", "<int>", cells[parent])
            cells = [*cells[:-1], re.sub(r"\S.*", "<...>", cells[-1])]
        return line, self._pattern_of_names(table.tagged(cells, self._process))

    def _belongs(self, table: Columns, cells: list[str]) -> bool:
        """Tell whether a row is of a process of ours, which may have ended since."""
        pid = table.pid(cells)
        if self._came.is_alone or pid in self._known.host:
            return True
        if "PPID" in table.names:
            # Somebody else may start the same program in the same moment.
            parent = cells[table.names.index("PPID")].strip()
            if parent not in self._known.host | self._started:
                return False
        name = cells[-1].split()[0].rpartition("/")[2]
        belongs = int(pid) in self._values.moment.born and name in re.findall(
            r"[\w.+-]+", self._came.text
        )
        if belongs:
            self._started.add(pid)
        return belongs

    def _process(self, value: str) -> str:
        if not value.isdigit() or int(value) < 2:
            return value
        if value in self._values.pids:
            return self._values.tag("pid", value)
        if value in self._inside and self._came.is_alone:
            return self._values.tag("int", value, self._came.namespace)
        return "<pid>"

    def _pattern_of_names(self, row: str) -> str:
        ids = self._known.ids
        words = "|".join(map(re.escape, (*ids, *self._values.users)))
        return re.sub(
            rf"(?<![\w.:<-])(?:{words})(?![\w>-])" if words else r"(?!)",
            lambda each: self._values.tag("id" if each[0] in ids else "user", each[0]),
            row,
        )

    # -- any other line ------------------------------------------------------------------

    def _line(self, line: str) -> str:
        if self._is_ours and OTHERS.fullmatch(line):
            return "+ <int> other host <...> (?)"
        if ABOVE.fullmatch(line):
            return "<...> .."  # What is beside our directory is not ours.
        if self._has_folders and TOTAL.fullmatch(line):
            return "total <word>"
        found = self._pattern.sub(self._tag, self._long(line))
        if self._is_ours:
            found = re.sub(r"(?<=: )(?<=repl: ).*", "<...>", found)
            found = re.sub(r"\S*…$", "<...>", found)
        return found

    def _long(self, line: str) -> str:
        """Return a row of ls -l without what depends on the rows around it."""
        row = LONG.fullmatch(line)
        if row is None or not self._has_folders:
            return line
        mode, first, owner, second, group, third, rest = row.groups()
        if self._has_above:
            # Whoever owns that one, his name is as long as it is.
            owner, group = (self._values.tag("user", each) for each in (owner, group))
        return f"{mode}<num>{first}{owner}{second}{group}{third}<word>{rest}"

    def _patterns(self) -> Iterator[str]:
        places = "|".join(map(re.escape, self._values.places))
        yield rf"(?P<path>(?<![\w/.-])(?:{places})(?![\w-]){PATH})"
        yield rf"(?P<date>\b{DAY},? (?: ?\d+ )?{MONTH}\w*\b.*\b\d{{4}}\b)"
        yield rf"(?P<stamp>\b{MONTH} {{1,2}}\d{{1,2}} {{1,2}}(?:\d\d:\d\d|\d{{4}})\b)"
        yield r"(?P<load>\bup\b.*\bload average: .*)"
        yield rf"(?P<zone>^(?:{'|'.join(map(re.escape, time.tzname))}|[+-]\d{{4}})$)"
        yield r"(?P<dur>\b\d+m\d+[.,]\d+s\b)"
        yield (
            r"(?P<time>(?<![\w:.-])(?:\d{4}-\d\d-\d\d(?:[T ][0-9:.,]+\d)?(?:Z|[+-][0-9:]+)?"
            r"|\d{1,3}(?::\d\d){1,2}(?:[.,]\d+)?)(?![\w:.-]))"
        )
        yield r"(?P<mac>(?<![\w:])[0-9a-f]{2}(?::[0-9a-f]{2}){5}(?![\w:]))"
        yield r"(?P<tty>\bpts/\d+\b)"
        yield r"(?P<ino>(?<=:\[)\d+(?=\]))"
        yield rf"(?P<build>{re.escape(platform.version())})"
        yield rf"(?P<machine>(?<![\w./-]){re.escape(platform.machine())}(?![\w./-]))"
        yield rf"(?P<version>(?<![\w.-]){re.escape(platform.release())}(?![\w-]))"
        yield rf"(?P<host>(?<![\w.-]){re.escape(self._values.host)}(?![\w-]|\.\w))"
        if names := "|".join(map(re.escape, self._values.users)):
            yield rf"(?P<user>(?<![\w.-])(?:{names})(?![\w-]|\.\w))"
            yield rf"(?P<owner>(?:(?<=\buid=)|(?<=\bgid=)|(?<=\bgroups=))\d+|^{os.geteuid()}$)"
        yield rf"(?P<word>{WORD.pattern})"

    def _tag(self, found: re.Match[str]) -> str:
        kind, value = str(found.lastgroup), found[0]
        if kind == "word":
            return self._number(found)
        if kind == "ino":
            known = value in self._known.inodes
            return self._values.tag("ino", value) if known else "<ino>"
        if kind == "path":
            return self._values.tag("path", value)
        if self._values.was_typed(value):
            return value
        if kind == "owner":
            return self._values.tag("user", value)
        if kind in ("date", "stamp", "load", "zone", "build"):
            return "<...>"
        if kind == "machine":
            return "<word>"
        named = kind in ("host", "user", "version")
        return self._values.tag(kind, value) if named else f"<{kind}>"

    def _number(self, found: re.Match[str]) -> str:
        value, line = found[0], found.string
        before, after = line[: found.start()], line[found.end() :]
        if value in self._known.ids:
            return self._values.tag("id", value)
        if value in self._known.inodes:
            return self._values.tag("ino", value)
        if not value.isdigit() or int(value) < 2:
            return value
        is_notice = re.fullmatch(r"(?:\w[\w.-]*: )?\[\d+\][-+]? +", before)
        is_inside = re.search(r"(?:\d|>)/\Z", before) or after.startswith(" inside")
        if self._is_ours and is_inside:
            return self._values.tag("int", value, self._came.namespace)
        if self._is_ours and re.match(r" process(?:es)? ended", after):
            return "<int>"
        if self._is_process(value):
            return self._values.tag("pid", value)
        if value in self._inside and (is_notice or self._about_processes):
            return self._values.tag("int", value, self._came.namespace)
        if abs(int(value) - time.time()) < SAME_HOUR:
            return "<int>"
        return value

    def _is_process(self, value: str) -> bool:
        if self._is_ours:
            return value in self._values.pids
        number = int(value)
        return (
            self._may_be_process(number)
            and not self._is_counted(number)
            and not self._values.was_typed(value)
        )

    def _may_be_process(self, number: int) -> bool:
        born = number in self._values.moment.born and self._about_processes
        return born or str(number) in self._values.pids

    def _is_counted(self, number: int) -> bool:
        """Tell whether a number is one of a series, in which others are no PIDs."""
        first = last = number
        while first - 1 in self._numbers:
            first -= 1
        while last + 1 in self._numbers:
            last += 1
        series = range(first, last + 1)
        return len(series) > 2 and not all(map(self._may_be_process, series))


def _rows(rows: Sequence[tuple[str | None, str]]) -> Iterator[tuple[str | None, str]]:
    """Yield the rows of a list; where others are among them, more may be anywhere."""
    if all(line is not None for line, _ in rows):
        yield from rows
        return
    yield None, ANY_LINES
    for line, text in rows:
        if line is not None:
            yield line, text
            yield None, ANY_LINES
