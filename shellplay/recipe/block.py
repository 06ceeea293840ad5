"""Read the lines of one block into steps, their expected lines, and comments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from shellplay.errors import RecipeError
from shellplay.nearest import nearest, quoted
from shellplay.recipe import condition
from shellplay.recipe.document import Actor, Comment, Conditions, Expected, Step
from shellplay.recipe.line import ACTOR, ALMOST_ACTOR, BLANKS, CONTAINER, Kind, kind
from shellplay.recipe.pattern import pattern

ESCAPE = "if it is output, end it with (lit)"
ACTORS = "expected play>, in>, in[NAME]>, host$ or key>"


def read_block(lines: Sequence[str], numbers: range, path: str) -> tuple[Step | Comment, ...]:
    """Return the steps and comments of the lines with these numbers (from 0).

    Raises `RecipeError` with the line, the column and the error.
    """
    reader = BlockReader(path)
    for at in numbers:
        reader.read_line(lines[at], at + 1)
    return reader.finish()


@dataclass
class PendingStep:
    """A step that is being read.

    ``status`` is None if no line gives it.  ``blank`` are the empty lines after the last
    expected line: they count only if another expected line follows.  ``ended`` is true
    after the line of the exit status.
    """

    step: Step
    status: int | None
    lines: list[str]
    expected: list[Expected] = field(default_factory=list)
    blank: list[Expected] = field(default_factory=list)
    ended: bool = False

    def result(self) -> Step:
        """Return the step with all lines read so far."""
        status = self.status or 0
        return replace(
            self.step,
            text="\n".join(self.lines),
            expected=tuple(self.expected),
            status=status,
        )


class BlockReader:
    """Reads the lines of one block one after the other; lines are counted from 1."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._items: list[Step | Comment] = []
        self._pending: PendingStep | None = None
        self._conditions: dict[str, Any] = {}
        self._conditions_line = 0

    def read_line(self, text: str, line: int) -> None:
        """Read one line of the block; raises `RecipeError`."""
        found = kind(text)
        if found in (Kind.STEP, Kind.COMMENT, Kind.CONDITION):
            self._end_step()
        match found:
            case Kind.BLANK:
                if self._pending and not self._pending.ended:
                    self._pending.blank.append(Expected("", line))
            case Kind.STEP:
                self._step(text, line)
            case Kind.ALMOST_STEP:
                self._fail_almost_step(text, line)
            case Kind.COMMENT:
                self._items.append(Comment(text[2:], line))
            case Kind.CONDITION:
                self._condition(text, line)
            case Kind.CONTINUATION:
                self._continuation(text, line)
            case Kind.STATUS:
                self._status(text, line)
            case Kind.OUTPUT:
                self._expected(text, line)

    def finish(self) -> tuple[Step | Comment, ...]:
        """Return all items; raises `RecipeError` if no step follows a condition."""
        self._end_step()
        if self._conditions:
            self._fail("no step follows this condition", self._conditions_line, fix=ACTORS)
        return tuple(self._items)

    def _fail(
        self, message: str, line: int, column: int = 1, fix: str | None = None
    ) -> NoReturn:
        raise RecipeError(message, line, column, self._path, fix)

    def _end_step(self) -> None:
        if self._pending:
            self._items.append(self._pending.result())
        self._pending = None

    def _step(self, text: str, line: int) -> None:
        match = ACTOR.fullmatch(text)
        assert match
        actor = Actor(match["word"] + match["sign"])
        name, command = match["name"], match["text"].removeprefix(" ")
        if name is not None and not CONTAINER.fullmatch(name):
            column = match.start("name") + 1
            wanted = "lower-case letters, digits and _ . -"
            self._fail(f"expected the name of a container: {wanted}", line, column)
        if not command.strip(BLANKS):
            wanted = "keys" if actor is Actor.KEY else "a command"
            self._fail(f"expected {wanted} after {actor}", line, len(text) + 1)
        conditions = dict(self._conditions)
        status = conditions.pop("status", None)
        step = Step(
            actor, "", name, Conditions(**conditions), line=line, first=line + 1, last=line + 1
        )
        self._pending = PendingStep(step, status, [command])
        self._conditions = {}

    def _fail_almost_step(self, text: str, line: int) -> NoReturn:
        actors = tuple(map(str, Actor))
        if match := ACTOR.fullmatch(text):
            actor = match["word"] + match["sign"]
            if actor in actors and (match["name"] is None or actor == Actor.IN):
                self._fail(
                    f"expected a blank after {actor}", line, match.end("sign") + 1, ESCAPE
                )
            if actor in actors:
                self._fail(f"{actor} has no container", line, match.start("name"), ESCAPE)
        match = match or ALMOST_ACTOR.match(text)
        assert match
        written = match["word"] + match["sign"]
        near = nearest(written, actors)
        self._fail(
            f"nobody is called {quoted(written)}",
            line,
            fix=f'did you mean "{near}"? {ESCAPE}',
        )

    def _condition(self, text: str, line: int) -> None:
        try:
            key, value = condition.read(text)
        except ValueError as error:
            message, column, fix = error.args
            self._fail(message, line, column, fix)
        if key in self._conditions:
            self._fail(f"% {key} is said twice for one step", line)
        if not self._conditions:
            self._conditions_line = line
        self._conditions[key] = value

    def _continuation(self, text: str, line: int) -> None:
        pending = self._pending
        if not pending or pending.expected or pending.blank or pending.ended:
            self._fail("no line of a step is above that goes on here", line, fix=ESCAPE)
        pending.lines.append(text[2:])
        pending.step = replace(pending.step, first=line + 1, last=line + 1)

    def _status(self, text: str, line: int) -> None:
        pending = self._require_pending(line)
        try:
            status = condition.status(text[1:-1])
        except ValueError as error:
            self._fail(str(error), line, 2, ESCAPE)
        if pending.status is not None:
            self._fail("the exit status is said twice", line, fix=ESCAPE)
        pending.expected += pending.blank
        pending.step = replace(pending.step, last=line + 1)
        pending.status, pending.ended = status, True

    def _expected(self, text: str, line: int) -> None:
        pending = self._require_pending(line)
        try:
            pattern(text)
        except ValueError as error:
            self._fail(str(error), line)
        pending.expected += [*pending.blank, Expected(text, line)]
        pending.blank = []
        pending.step = replace(pending.step, last=line + 1)

    def _require_pending(self, line: int) -> PendingStep:
        """Return the step whose output is read; raises `RecipeError` if there is none."""
        if not self._pending:
            self._fail(f"output without a step: {ACTORS}", line, fix=ESCAPE)
        if self._pending.ended:
            self._fail("the exit status is the last line of a step", line, fix=ESCAPE)
        return self._pending
