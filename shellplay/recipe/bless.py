"""Blessing: what has come takes the place of what was expected, and patterns stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from shellplay.errors import RecipeError, Refused
from shellplay.recipe import condition
from shellplay.recipe.align import align
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.document import Expected, Recipe, Step
from shellplay.recipe.line import BLANKS, Kind, kind
from shellplay.recipe.match import match
from shellplay.recipe.output import lines
from shellplay.recipe.parse import parse
from shellplay.recipe.pattern import literal
from shellplay.recipe.retag import retagged, tagged
from shellplay.recipe.step_bindings import Names

TagLine = Callable[[str], str]


def bless(
    source: str,
    recipe: Recipe,
    outputs: Mapping[int, tuple[str, int]],
    tag: TagLine = literal,
) -> str:
    """Return the text of a recipe with what its steps have put out.

    ``source`` is the text that was read as ``recipe``; ``outputs`` has output and exit
    status of each step that was performed, by the step's line.  Expected lines that still
    match stay byte for byte, as does everything that is not expected output.  ``tag``
    gives a new line its tags.

    Raises `Refused` if a tag that a command uses would be bound no more.
    """
    text = source.split("\n")
    bindings = Bindings()
    changes: list[tuple[range, list[str]]] = []
    for step in recipe.steps:
        if step.line not in outputs:
            continue
        output, status = outputs[step.line]
        expected, bindings = renewed(step, output, bindings, tag)
        changes += _changes(step, expected, status, text)
    for place, new in sorted(changes, key=lambda change: change[0].start, reverse=True):
        text[place.start : place.stop] = new
    return _checked("\n".join(text), recipe.path)


def renewed(
    step: Step, output: str, bindings: Bindings, tag: TagLine
) -> tuple[Sequence[Expected], Bindings]:
    """Return what a step should expect that put this out, and what that binds.

    A line that was expected before is the same object.
    """
    distinct = step.conditions.distinct
    after = match(step.expected, output, bindings, distinct=distinct)
    if after is not None:
        return step.expected, after
    for way in (tag, None):
        expected = _aligned(step, output, bindings, way)
        after = match(expected, output, bindings, distinct=distinct)
        if after is not None:
            return expected, after
    # The patterns that are left cannot all be true, as of two names that must differ.
    expected = _ended([Expected(_new(line, literal)) for line in lines(output)])
    return expected, bindings


def _aligned(
    step: Step, output: str, bindings: Bindings, tag: TagLine | None
) -> list[Expected]:
    """Return the old lines that fit and the new ones, with tags unless ``tag`` is None."""
    names = Names.of(step.expected, bindings, step.conditions.distinct)
    expected: list[Expected] = []
    gone: list[Expected] = []
    for each in align(names, lines(output), bindings):
        if each.item is None:
            old = gone.pop(0).text if gone else ""
            line = each.lines[0]
            kept = retagged(old, line, tag(line), bindings) if tag else None
            expected.append(Expected(kept or _new(line, tag or literal)))
        elif each.fits:
            gone.clear()
            expected.append(step.expected[each.item])
        else:
            gone.append(step.expected[each.item])
    return _ended(expected)


def _new(line: str, tag: TagLine) -> str:
    return tagged(line, tag(line)) if line.strip(BLANKS) else ""


def expectation(proposals: Iterable[tuple[str | None, str]]) -> tuple[Expected, ...]:
    """Return expected lines for lines of output, each with a proposal of how to say it.

    A proposal without a line, as ``...``, is taken as it is.
    """
    found = [
        Expected(text if line is None else tagged(line, text) if line.strip(BLANKS) else "")
        for line, text in proposals
    ]
    return tuple(_ended(found))


def _ended(expected: list[Expected]) -> list[Expected]:
    """An empty line at the end would be taken for layout."""
    if expected and not expected[-1].text.strip(BLANKS):
        expected[-1] = Expected("(lit)")
    return expected


def _changes(
    step: Step, expected: Sequence[Expected], status: int, text: list[str]
) -> list[tuple[range, list[str]]]:
    """Return which lines of the text (from 0) become which others."""
    end = "\r" if text[step.line - 1].endswith("\r") else ""
    old = text[step.first - 1 : step.last - 1]
    has_status = bool(old) and kind(old[-1].removesuffix("\r")) is Kind.STATUS
    new = [text[each.line - 1] if each.line else each.text + end for each in expected]
    if status == step.status:
        new += old[-1:] if has_status else []
    elif above := _status_above(step, text):
        place, key = above
        changes = [(range(place, place + 1), [f"{key} {status}{end}"])]
        return [*changes, (range(step.first - 1, step.last - 1), new)]
    elif status:
        new.append(f"[{status}]{end}")
    return [(range(step.first - 1, step.last - 1), new)] if new != old else []


def _status_above(step: Step, text: list[str]) -> tuple[int, str] | None:
    """Return the line of ``% status`` of a step, and all of it but the value."""
    above = step.line - 2
    while (found := kind(text[above].removesuffix("\r"))) in (
        Kind.BLANK,
        Kind.COMMENT,
        Kind.CONDITION,
    ):
        line = text[above].removesuffix("\r")
        if found is Kind.CONDITION and condition.read(line)[0] == "status":
            return above, line[: line.index(":") + 1]
        above -= 1
    return None


def _checked(text: str, path: str) -> str:
    try:
        parse(text, path)
    except RecipeError as error:
        raise Refused(f"with the new output the recipe would be wrong: {error}") from error
    return text
