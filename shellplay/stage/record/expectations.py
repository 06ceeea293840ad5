"""Make the expected lines of a recorded step: its output, with tags for values that change."""

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
PARENT_DIRECTORY = re.compile(r"d[rwxsStT-]{9}[.+@]? .* \.\.")
# A row of ls -l.  The size of a directory depends on its filesystem, and the width of the
# columns depends on the sizes.
LS_ROW = re.compile(r"([-dlps][rwxsStT-]{9}[.+@]? +)\d+( +)(\S+)( +)(\S+)( +)\d[\w.]*( .*)")
LS_TOTAL = re.compile(r"total \d[\w.]*")
HOST_PROCESSES = re.compile(r"\+ \d+ other host process(?:es)?\b.*")
# A number this near to the Unix time is taken for a timestamp; in seconds.
TIMESTAMP_DISTANCE = 3600

# A line of output (None: any lines) and the text to expect for it.
Proposal = tuple[str | None, str]
ANY_ROWS: Proposal = (None, ANY_LINES)


@dataclass(frozen=True, slots=True)
class Performed:
    """One step that was performed in the session, with its output and exit status.

    - ``seconds``: how long it took.
    - ``container``: the name for ``in[NAME]>``; None: the current container.
    - ``namespace``: a key for the PID namespace of the step, so that equal PIDs of two
      namespaces get two names; "": the PID namespace of the host.
    - ``is_alone``: its processes see only processes of their own PID namespace.
    """

    actor: Actor
    text: str
    output: str
    status: int = 0
    seconds: float = 0.0
    container: str | None = None
    namespace: str = ""
    is_alone: bool = False


def expected(
    performed: Performed, values: Values, bindings: Bindings
) -> tuple[tuple[Expected, ...], Bindings]:
    """Return the expected lines of a performed step, and the bindings after it."""
    tagger = Tagger(performed, values)
    found = expectation(tagger.proposals())
    after = match(found, performed.output, bindings)
    if after is None:
        # The tags contradict each other: one value has two names, or one name has two
        # values. So expect the output without tags.
        found = expectation([(line, line) for line in lines(performed.output)])
        after = match(found, performed.output, bindings)
    return found, after or bindings


class Tagger:
    """Puts tags into the output of one performed step."""

    def __init__(self, performed: Performed, values: Values) -> None:
        self._performed = performed
        self._values = values
        self._known = values.state.known
        self._inside = self._known.inside - self._known.host
        # Whether shellplay itself has printed the output.
        self._is_shellplay = performed.actor is Actor.PLAY
        self._about_processes = bool(ABOUT_PROCESSES.search(performed.text))
        self._lines = lines(performed.output)
        self._has_parent = any(map(PARENT_DIRECTORY.fullmatch, self._lines))
        self._has_directories = any(
            line.startswith("d") and LS_ROW.fullmatch(line) for line in self._lines
        )
        self._numbers = {
            int(each) for each in re.findall(r"(?a:\b\d{1,10}\b)", performed.output)
        }
        self._pattern = re.compile("|".join(self._patterns()))
        # Processes that the step has started and listed, and that have ended since.
        self._started: set[str] = set()

    def proposals(self) -> Sequence[Proposal]:
        """Return the lines of output with their proposals, in order.

        The rows of foreign processes are not in the list; ``...`` stands for them.
        """
        found: list[Proposal] = []
        table: Columns | None = None
        rows: list[Proposal] = []
        for line in self._lines:
            cells = table.cells(line) if table else None
            if table and cells and table.pid(cells).isdigit():
                rows.append(self._row(table, cells, line))
                continue
            found += _merge_foreign_rows(rows)
            rows = []
            table = columns(line)
            found.append((line, line if table else self._tag_line(line)))
        return [*found, *_merge_foreign_rows(rows)]

    # -- a list of processes -------------------------------------------------------------

    def _row(self, table: Columns, cells: list[str], line: str) -> Proposal:
        if not self._is_own_process(table, cells):
            return ANY_ROWS
        if table.pid(cells) == str(os.getpid()):
            # This is shellplay itself. The performance will start it with another command
            # line and parent, so these need a tag for any text. In a long list of host
            # processes, such a pattern would match each row, in too many ways.
            if "ROLE" not in table.names:
                return ANY_ROWS
            parent = table.names.index("PPID")
            cells[parent] = re.sub(r"\d+", "<int>", cells[parent])
            cells = [*cells[:-1], re.sub(r"\S.*", "<...>", cells[-1])]
        return line, self._tag_names(table.tag_row(cells, self._tag_pid))

    def _is_own_process(self, table: Columns, cells: list[str]) -> bool:
        """Return whether a process belongs to the playground; it may have ended since."""
        pid = table.pid(cells)
        if self._performed.is_alone or pid in self._known.host:
            return True
        if "PPID" in table.names:
            # A foreign process may run the same program at the same time; its parent tells.
            parent = cells[table.names.index("PPID")].strip()
            if parent not in self._known.host | self._started:
                return False
        name = cells[-1].split()[0].rpartition("/")[2]
        is_own = int(pid) in self._values.state.new_pids and name in re.findall(
            r"[\w.+-]+", self._performed.text
        )
        if is_own:
            self._started.add(pid)
        return is_own

    def _tag_pid(self, value: str) -> str:
        if not value.isdigit() or int(value) < 2:
            return value
        if value in self._values.pids:
            return self._values.tag("pid", value)
        if value in self._inside and self._performed.is_alone:
            return self._values.tag("int", value, self._performed.namespace)
        return "<pid>"

    def _tag_names(self, row: str) -> str:
        """Return a row with tags for IDs of containers and for names of the user."""
        ids = self._known.ids
        words = "|".join(map(re.escape, (*ids, *self._values.users)))
        return re.sub(
            rf"(?<![\w.:<-])(?:{words})(?![\w>-])" if words else r"(?!)",
            lambda each: self._values.tag("id" if each[0] in ids else "user", each[0]),
            row,
        )

    # -- all lines outside such a list ---------------------------------------------------

    def _tag_line(self, line: str) -> str:
        if self._is_shellplay and HOST_PROCESSES.fullmatch(line):
            return "+ <int> other host <...> (?)"
        if PARENT_DIRECTORY.fullmatch(line):
            return "<...> .."  # The parent of the scratch directory belongs to the host.
        if self._has_directories and LS_TOTAL.fullmatch(line):
            return "total <word>"
        found = self._pattern.sub(self._tag, self._tag_ls_row(line))
        if self._is_shellplay:
            found = re.sub(r"(?<=: )(?<=repl: ).*", "<...>", found)
            found = re.sub(r"\S*…$", "<...>", found)
        return found

    def _tag_ls_row(self, line: str) -> str:
        """Return a row of ls -l with tags for the values that depend on other rows."""
        row = LS_ROW.fullmatch(line)
        if row is None or not self._has_directories:
            return line
        mode, first, owner, second, group, third, name = row.groups()
        if self._has_parent:
            # The owner of `..` differs between machines. A longer name makes the column
            # wider; a tag matches any number of blanks next to it.
            owner, group = (self._values.tag("user", each) for each in (owner, group))
        return f"{mode}<num>{first}{owner}{second}{group}{third}<word>{name}"

    def _patterns(self) -> Iterator[str]:
        """Yield one regular expression for each kind of value, with the kind as group."""
        directories = "|".join(map(re.escape, self._values.directories))
        yield rf"(?P<path>(?<![\w/.-])(?:{directories})(?![\w-]){PATH})"
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

    def _tag(self, match: re.Match[str]) -> str:
        """Return the tag for a match of `_patterns`, or the value itself."""
        kind, value = str(match.lastgroup), match[0]
        if kind == "word":
            return self._tag_number(match)
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
        has_name = kind in ("host", "user", "version")
        return self._values.tag(kind, value) if has_name else f"<{kind}>"

    def _tag_number(self, match: re.Match[str]) -> str:
        """Return the tag for a number, which may be a PID, an inode, an ID or a time."""
        value, line = match[0], match.string
        before, after = line[: match.start()], line[match.end() :]
        if value in self._known.ids:
            return self._values.tag("id", value)
        if value in self._known.inodes:
            return self._values.tag("ino", value)
        if not value.isdigit() or int(value) < 2:
            return value
        is_notice = re.fullmatch(r"(?:\w[\w.-]*: )?\[\d+\][-+]? +", before)
        is_inside = re.search(r"(?:\d|>)/\Z", before) or after.startswith(" inside")
        if self._is_shellplay and is_inside:
            return self._values.tag("int", value, self._performed.namespace)
        if self._is_shellplay and re.match(r" process(?:es)? ended", after):
            return "<int>"
        if self._is_pid(value):
            return self._values.tag("pid", value)
        if value in self._inside and (is_notice or self._about_processes):
            return self._values.tag("int", value, self._performed.namespace)
        if abs(int(value) - time.time()) < TIMESTAMP_DISTANCE:
            return "<int>"
        return value

    def _is_pid(self, value: str) -> bool:
        """Return whether a number is the PID of a process of the playground."""
        if self._is_shellplay:
            return value in self._values.pids
        number = int(value)
        return (
            self._may_be_pid(number)
            and not self._is_in_series(number)
            and not self._values.was_typed(value)
        )

    def _may_be_pid(self, number: int) -> bool:
        is_new = number in self._values.state.new_pids and self._about_processes
        return is_new or str(number) in self._values.pids

    def _is_in_series(self, number: int) -> bool:
        """Return whether a number is part of a series, as of seq(1), that is not all PIDs."""
        first = last = number
        while first - 1 in self._numbers:
            first -= 1
        while last + 1 in self._numbers:
            last += 1
        series = range(first, last + 1)
        return len(series) > 2 and not all(map(self._may_be_pid, series))


def _merge_foreign_rows(rows: Sequence[Proposal]) -> Iterator[Proposal]:
    """Yield the rows of a list; if one is foreign, allow foreign rows between all rows."""
    if all(line is not None for line, _ in rows):
        yield from rows
        return
    yield ANY_ROWS
    for line, text in rows:
        if line is not None:
            yield line, text
            yield ANY_ROWS
