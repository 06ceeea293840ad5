"""Give a new expected line the tags of the old line that it replaces."""

from __future__ import annotations

import re

from shellplay.recipe import tag
from shellplay.recipe.align import align
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.document import Expected
from shellplay.recipe.line import ANY_LINES, Kind, kind
from shellplay.recipe.match import match
from shellplay.recipe.pattern import literal
from shellplay.recipe.step_patterns import StepPatterns

WORDS = re.compile(r"[^ \t]+")


def proposal_or_literal(line: str, proposed: str) -> str:
    """Return the proposed text if it matches the line of output, else the line as literal."""
    return proposed if proposed != line and _matches(proposed, line) else literal(line)


def transfer_tags(old: str, line: str, proposed: str, bindings: Bindings) -> str | None:
    """Return a line of output with the tags of an old expected line.

    A word at the place of an old tag becomes this tag; all other words come from
    ``proposed``.  None: the old line has no name to keep, too few words agree (half or
    less), or the result does not match the line.
    """
    old_words, words = WORDS.findall(old), WORDS.findall(line)
    if not any(name for word in old_words for name, _ in tag.names_in(word)):
        return None
    proposed_words = WORDS.findall(proposed)
    new = proposed_words if len(proposed_words) == len(words) else [*words]
    patterns = StepPatterns.of([Expected(word) for word in old_words], bindings, ())
    same, at = 0, 0
    for each in align(patterns, words, bindings):
        if each.item is not None and each.fits:
            same += 1
            if tag.SYNTAX.search(old_words[each.item]):
                new[at] = old_words[each.item]
        at += len(each.lines)
    remaining = iter(new)
    text = WORDS.sub(lambda _: next(remaining), line)
    alike = 2 * same > max(len(old_words), len(words))
    return text if alike and _matches(text, line, bindings) else None


def _matches(text: str, line: str, bindings: Bindings | None = None) -> bool:
    is_output = kind(text) is Kind.OUTPUT and text.strip() != ANY_LINES
    return is_output and match([Expected(text)], line, bindings or Bindings()) is not None
