"""The kind of a line in a block; the line alone decides it, no other line."""

from __future__ import annotations

import re
from enum import Enum, auto

from shellplay.nearest import nearest
from shellplay.recipe.document import Actor

BLANKS = " \t"
ANY_LINES = "..."
ACTOR = re.compile(
    r"(?P<word>play|in|host|key)(?:\[(?P<name>[^\]]*)\])?(?P<sign>[>$])(?P<text>.*)"
)
ALMOST_ACTOR = re.compile(r"(?P<word>[A-Za-z]{2,8})(?:\[[^\]]*\])?(?P<sign>[>$])(?: |$)")
CONTAINER = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
STATUS = re.compile(r"\[(?P<status>0|[1-9][0-9]*)\]")
SUFFIX = re.compile(r"(?:^| )\((?!\))(?P<kind>re|glob|lit)?(?P<quantifier>[?*+])?\)\Z")
LIKENESS = 0.7


class Kind(Enum):
    """The kind of a line; a line of no other kind is `OUTPUT`."""

    BLANK = auto()
    STEP = auto()
    ALMOST_STEP = auto()
    CONTINUATION = auto()
    CONDITION = auto()
    COMMENT = auto()
    STATUS = auto()
    OUTPUT = auto()


def kind(text: str) -> Kind:
    """Return the kind of a line of a block; a line that ends in ``(lit)`` is output."""
    if not text.strip(BLANKS):
        return Kind.BLANK
    if (suffix := SUFFIX.search(text)) and suffix["kind"] == "lit":
        return Kind.OUTPUT
    for sign, found in (
        ("#", Kind.COMMENT),
        ("%", Kind.CONDITION),
        (">", Kind.CONTINUATION),
    ):
        if text == sign or text.startswith(f"{sign} "):
            return found
    if STATUS.fullmatch(text):
        return Kind.STATUS
    return _step(text)


def _step(text: str) -> Kind:
    if match := ACTOR.fullmatch(text):
        actor = match["word"] + match["sign"]
        known = actor in tuple(Actor) and (match["name"] is None or actor == Actor.IN)
        blank = match["text"][:1] in ("", " ")
        return Kind.STEP if known and blank else Kind.ALMOST_STEP
    match = ALMOST_ACTOR.match(text)
    near = match and nearest(match["word"] + match["sign"], tuple(Actor), LIKENESS)
    return Kind.ALMOST_STEP if near else Kind.OUTPUT
