"""Bless a recipe: replace expected lines that no longer match, and keep their tags."""

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
from shellplay.recipe.retag import proposal_or_literal, transfer_tags
from shellplay.recipe.step_patterns import StepPatterns

TagLine = Callable[[str], str]


def bless(
    source: str,
    recipe: Recipe,
    outputs: Mapping[int, tuple[str, int]],
    tag: TagLine = literal,
) -> str:
    """Return the text of a recipe that expects these outputs.

    ``source`` is the text that was parsed into ``recipe``.  ``outputs`` maps the line of
    each performed step to its output and exit status.  Expected lines that still match
    stay byte for byte, and so does all other text.  ``tag`` proposes an expected line with
    tags for a new line of output.

    Raises `Refused` if the new text is not a correct recipe, as when no line binds a tag
    that a command uses.
    """
    text = source.split("\n")
    bindings = Bindings()
    changes: list[tuple[range, list[str]]] = []
    for step in recipe.steps:
        if step.line not in outputs:
            continue
        output, status = outputs[step.line]
        expected, bindings = update_expectation(step, output, bindings, tag)
        changes += _changes(step, expected, status, text)
    for changed, new in sorted(changes, key=lambda change: change[0].start, reverse=True):
        text[changed.start : changed.stop] = new
    return _check("\n".join(text), recipe.path)


def update_expectation(
    step: Step, output: str, bindings: Bindings, tag: TagLine
) -> tuple[Sequence[Expected], Bindings]:
    """Return the expected lines that match this output of a step, and the bindings after it.

    A kept line is the same object as before.
    """
    distinct = step.conditions.distinct
    after = match(step.expected, output, bindings, distinct=distinct)
    if after is not None:
        return step.expected, after
    for optional_tag in (tag, None):
        expected = _merge(step, output, bindings, optional_tag)
        after = match(expected, output, bindings, distinct=distinct)
        if after is not None:
            return expected, after
    # The kept lines contradict each other, as when two names must differ and have the same
    # value. So all lines become literal.
    expected = _keep_last_blank(
        [Expected(_text_of(line, literal(line))) for line in lines(output)]
    )
    return expected, bindings


def _merge(step: Step, output: str, bindings: Bindings, tag: TagLine | None) -> list[Expected]:
    """Return the old lines that fit and a new line for each line of output that none fits.

    New lines get tags unless ``tag`` is None.
    """
    patterns = StepPatterns.of(step.expected, bindings, step.conditions.distinct)
    expected: list[Expected] = []
    missing: list[Expected] = []
    for each in align(patterns, lines(output), bindings):
        if each.item is None:
            old = missing.pop(0).text if missing else ""
            line = each.lines[0]
            proposed = tag(line) if tag else literal(line)
            kept = transfer_tags(old, line, proposed, bindings) if tag else None
            expected.append(Expected(kept or _text_of(line, proposed)))
        elif each.fits:
            missing.clear()
            expected.append(step.expected[each.item])
        else:
            missing.append(step.expected[each.item])
    return _keep_last_blank(expected)


def _text_of(line: str, proposed: str) -> str:
    return proposal_or_literal(line, proposed) if line.strip(BLANKS) else ""


def expectation(proposals: Iterable[tuple[str | None, str]]) -> tuple[Expected, ...]:
    """Return an expected line for each pair of a line of output and a proposed text.

    A proposal that does not match its line becomes the literal line.  In a pair without a
    line (None), as for ``...``, the proposal is used as it is.
    """
    texts = [
        proposed if line is None else _text_of(line, proposed) for line, proposed in proposals
    ]
    return tuple(_keep_last_blank([Expected(text) for text in texts]))


def _keep_last_blank(expected: list[Expected]) -> list[Expected]:
    """Mark an empty last line with ``(lit)``: the parser drops empty lines after a step."""
    if expected and not expected[-1].text.strip(BLANKS):
        expected[-1] = Expected("(lit)")
    return expected


def _changes(
    step: Step, expected: Sequence[Expected], status: int, text: list[str]
) -> list[tuple[range, list[str]]]:
    """Return the changes of one step: ranges of lines of the text (from 0), with new lines."""
    end = "\r" if text[step.line - 1].endswith("\r") else ""
    old = text[step.first - 1 : step.last - 1]
    has_status = bool(old) and kind(old[-1].removesuffix("\r")) is Kind.STATUS
    new = [text[each.line - 1] if each.line else each.text + end for each in expected]
    if status == step.status:
        new += old[-1:] if has_status else []
    elif above := _status_above(step, text):
        number, key = above
        changes = [(range(number, number + 1), [f"{key} {status}{end}"])]
        return [*changes, (range(step.first - 1, step.last - 1), new)]
    elif status:
        new.append(f"[{status}]{end}")
    return [(range(step.first - 1, step.last - 1), new)] if new != old else []


def _status_above(step: Step, text: list[str]) -> tuple[int, str] | None:
    """Return where the ``% status`` line of a step is (from 0), and its text up to the colon.

    None: the step has no such line.
    """
    number = step.line - 2
    while (found := kind(text[number].removesuffix("\r"))) in (
        Kind.BLANK,
        Kind.COMMENT,
        Kind.CONDITION,
    ):
        line = text[number].removesuffix("\r")
        if found is Kind.CONDITION and condition.read(line)[0] == "status":
            return number, line[: line.index(":") + 1]
        number -= 1
    return None


def _check(text: str, path: str) -> str:
    try:
        parse(text, path)
    except RecipeError as error:
        raise Refused(f"with the new output the recipe would be wrong: {error}") from error
    return text
