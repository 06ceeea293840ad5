"""How far each line of a recipe reaches: the user sees this before it runs.

A line reaches shellplay's containers only, a bash inside, or the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from shellplay.cmdline.registry import GRAMMAR, find
from shellplay.cmdline.tokenizer import Segment, segments
from shellplay.errors import ShellplayError
from shellplay.recipe.document import Actor, Recipe, Step

# The stage replaces a named tag by its value before shellplay parses the line. The value
# can be any text, also another command.
NAMED_TAG = re.compile(r"<[^<>\s]*:\w+>")


class Reach(Enum):
    """How far a line reaches, from near to far.

    ``INSIDE`` is a live bash: it reaches all that its fences do not keep from it.
    """

    CONTAINERS = auto()
    INSIDE = auto()
    HOST = auto()


@dataclass(frozen=True, slots=True)
class Effect:
    """One line of a recipe, its text, and how far it reaches; line 0 is the header.

    ``what`` says what it does on the host, where its text is not plain enough.
    """

    line: int
    text: str
    reach: Reach
    what: tuple[str, ...] = ()


def effects(recipe: Recipe) -> Iterator[Effect]:
    """Yield the lines of a recipe that reach farther than shellplay's containers, in order.

    The environment of the header counts as reaching the host, since all programs get it.
    """
    for name, value in recipe.header.environment.items():
        yield Effect(0, f"env {name}={value}", Reach.HOST)
    for step in recipe.steps:
        effect = effect_of(step)
        if step.conditions.skip is None and effect.reach is not Reach.CONTAINERS:
            yield effect


def effect_of(step: Step) -> Effect:
    """Return how far a step reaches; a step that cannot be parsed counts as `Reach.HOST`."""
    reach, what = _reach_of(step)
    return Effect(step.line, f"{step.actor_text} {step.text}", reach, what)


def _reach_of(step: Step) -> tuple[Reach, tuple[str, ...]]:
    if step.actor is Actor.HOST:
        return Reach.HOST, ()
    if step.actor is not Actor.PLAY:
        return Reach.INSIDE, ()
    if NAMED_TAG.search(step.text):
        return Reach.HOST, ("runs what the tag stands for then",)
    try:
        parts = [_reach_of_command(part) for part in segments(step.text, GRAMMAR)]
    except ShellplayError:
        # An unknown command may be a command of a later version.
        return Reach.HOST, ("cannot be told before it runs",)
    reach = max((reach for reach, _ in parts), key=lambda each: each.value, default=None)
    return reach or Reach.CONTAINERS, tuple(text for _, what in parts for text in what)


def _reach_of_command(part: Segment) -> tuple[Reach, tuple[str, ...]]:
    command = find(part.words[0].text)
    what = command.host_effects(part)
    if what:
        return Reach.HOST, what
    return Reach.INSIDE if command.inside else Reach.CONTAINERS, ()
