"""Tags for a line that is new: those of the line in whose place it comes, if they fit."""

from __future__ import annotations

import re

from shellplay.recipe import tag
from shellplay.recipe.align import align
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.document import Expected
from shellplay.recipe.line import ANY_LINES, Kind, kind
from shellplay.recipe.match import match
from shellplay.recipe.pattern import literal
from shellplay.recipe.step_bindings import Names

WORDS = re.compile(r"[^ \t]+")


def tagged(line: str, proposed: str) -> str:
    """Return a proposal for an expected line if it stands for the line, or else the line."""
    return proposed if proposed != line and _stands_for(proposed, line) else literal(line)


def retagged(old: str, line: str, proposed: str, bindings: Bindings) -> str | None:
    """Return the line with the tags of an old expected one, if most of their words agree.

    Where there is none of these tags, its words are as ``proposed``.  None stands for lines
    that are not alike, and for an old one that has no name to keep.
    """
    words, lines = WORDS.findall(old), WORDS.findall(line)
    if not any(name for word in words for name, _ in tag.names_in(word)):
        return None
    others = WORDS.findall(proposed)
    new = others if len(others) == len(lines) else [*lines]
    names = Names.of([Expected(word) for word in words], bindings, ())
    same, at = 0, 0
    for each in align(names, lines, bindings):
        if each.item is not None and each.fits:
            same += 1
            if tag.SYNTAX.search(words[each.item]):
                new[at] = words[each.item]
        at += len(each.lines)
    rest = iter(new)
    text = WORDS.sub(lambda _: next(rest), line)
    alike = 2 * same > max(len(words), len(lines))
    return text if alike and _stands_for(text, line, bindings) else None


def _stands_for(text: str, line: str, bindings: Bindings | None = None) -> bool:
    plain = kind(text) is Kind.OUTPUT and text.strip() != ANY_LINES
    return plain and match([Expected(text)], line, bindings or Bindings()) is not None
