"""What a recipe will do beyond fences: all there is to know before one runs a stranger's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from shellplay.cmdline.registry import GRAMMAR, find
from shellplay.cmdline.tokenizer import segments
from shellplay.errors import ShellplayError
from shellplay.recipe.document import Actor, Recipe, Step

# These change nothing but containers, and run no program but their bashes.  They are named
# one by one: a command that will be new is shown until somebody has thought about it.
OWN = frozenset(
    [
        "containers",
        "diff",
        "doctor",
        "fence",
        "fences",
        "help",
        "inspect",
        "kill",
        "limit",
        "logs",
        "new",
        "pause",
        "peel",
        "ps",
        "quit",
        "recipes",
        "resume",
        "set",
        "stats",
        "stop",
        "trace",
        "tree",
        "unmount",
        "use",
    ]
)
IN_BASHES = ("enter", "exec", "in", "spawn")
# Its value is put in before shellplay reads the line, and may be any text.
NAMED_TAG = re.compile(r"<[^<>\s]*:\w+>")


class Reach(Enum):
    """How far something reaches: ``INSIDE`` is a bash, with the fences that it has then."""

    OWN = auto()
    INSIDE = auto()
    HOST = auto()


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of a recipe and how far it reaches; line 0 is the header."""

    line: int
    text: str
    reach: Reach


def deeds(recipe: Recipe) -> Iterator[Deed]:
    """Yield what a recipe runs, in its order; its environment reaches as far as it does."""
    for name, value in recipe.header.environment.items():
        yield Deed(0, f"env {name}={value}", Reach.HOST)
    for step in recipe.steps:
        if step.conditions.skip is None and (reach := reach_of(step)) is not Reach.OWN:
            actor = step.actor.replace(">", f"[{step.container}]>" if step.container else ">")
            yield Deed(step.line, f"{actor} {step.text}", reach)


def reach_of(step: Step) -> Reach:
    """Return how far a step reaches; what is not known to be harmless reaches the host."""
    if step.actor is Actor.HOST:
        return Reach.HOST
    if step.actor is not Actor.PLAY:
        return Reach.INSIDE
    if NAMED_TAG.search(step.text):
        return Reach.HOST
    try:
        names = [find(part.words[0].text).name for part in segments(step.text, GRAMMAR)]
    except ShellplayError:
        # Nobody can say today what it will be one day.
        return Reach.HOST
    return max(map(_reach_of_command, names), key=lambda reach: reach.value, default=Reach.OWN)


def _reach_of_command(name: str) -> Reach:
    if name in IN_BASHES:
        return Reach.INSIDE
    return Reach.OWN if name in OWN else Reach.HOST
