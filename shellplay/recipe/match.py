"""Match the output of a step with its expected lines, and show the difference."""

from __future__ import annotations

from collections.abc import Sequence

from shellplay.recipe.align import align
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.document import Expected
from shellplay.recipe.output import lines
from shellplay.recipe.search import Search
from shellplay.recipe.step_patterns import StepPatterns


def match(
    expected: Sequence[Expected],
    output: str,
    bindings: Bindings,
    *,
    distinct: Sequence[str] = (),
) -> Bindings | None:
    """Return the bindings after this output; None if the output does not match.

    ``distinct`` are names that must have different values.  Of all ways to match, the
    search takes the first in which each ``...`` is as short as possible.

    Raises `RecipeError` if there are too many ways to try them all.
    """
    patterns = StepPatterns.of(expected, bindings, distinct)
    if patterns.collision(bindings):
        return None
    return Search(patterns, lines(output)).run(bindings)


def difference(
    expected: Sequence[Expected],
    output: str,
    bindings: Bindings,
    *,
    distinct: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return the lines of a diff between expected lines and output; none if they match.

    A line begins with ``-`` if it was expected and is missing, and with ``+`` if it was not
    expected.  A line that begins with a blank is an expected line that matches.

    Raises `RecipeError` as `match` does.
    """
    patterns = StepPatterns.of(expected, bindings, distinct)
    if collision := patterns.collision(bindings):
        first, second = collision
        reason = f"{first} and {second} are both {bindings[first].value}"
        return f"-% distinct: {' '.join(distinct)}", f"+{reason}"
    if Search(patterns, lines(output)).run(bindings) is not None:
        return ()
    diff: list[str] = []
    for each in align(patterns, lines(output), bindings):
        if each.item is not None:
            text = patterns.items[each.item][0].text
            diff.append(f"{' ' if each.fits else '-'}{text}")
        else:
            diff += [f"+{line}" for line in each.lines]
    return tuple(diff)
