"""Matching: does the output of a step fit what was expected, what does it bind, what not?"""

from __future__ import annotations

from collections.abc import Sequence

from shellplay.recipe.align import align
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.document import Expected
from shellplay.recipe.output import lines
from shellplay.recipe.search import Search
from shellplay.recipe.step_bindings import Names


def match(
    expected: Sequence[Expected],
    output: str,
    bindings: Bindings,
    *,
    distinct: Sequence[str] = (),
) -> Bindings | None:
    """Return the bindings after this output, or None if it is not what was expected.

    ``distinct`` are names that must stand for different values.  Of all ways to match the
    first is taken in which each ``...`` is as short as possible.  Raises `RecipeError` if
    there are too many ways to try them all.
    """
    names = Names.of(expected, bindings, distinct)
    if names.collision(bindings):
        return None
    return Search(names, lines(output)).run(bindings)


def difference(
    expected: Sequence[Expected],
    output: str,
    bindings: Bindings,
    *,
    distinct: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return how output differs, in lines; none if it matches.

    They begin with ``-`` for an expected line that has not come, ``+`` for one that came
    and was not expected, and a blank for a line that matches (as it is expected).
    """
    names = Names.of(expected, bindings, distinct)
    if collision := names.collision(bindings):
        one, other = collision
        shown = f"{one} and {other} are both {bindings[one].value}"
        return f"-% distinct: {' '.join(distinct)}", f"+{shown}"
    if Search(names, lines(output)).run(bindings) is not None:
        return ()
    found: list[str] = []
    for each in align(names, lines(output), bindings):
        if each.item is not None:
            text = names.items[each.item][0].text
            found.append(f"{' ' if each.fits else '-'}{text}")
        else:
            found += [f"+{line}" for line in each.lines]
    return tuple(found)
