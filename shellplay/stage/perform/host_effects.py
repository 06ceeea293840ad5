"""How far each line of a recipe reaches: the user sees this before it runs.

A line reaches shellplay's containers only, a bash inside, or the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from shellplay.cmdline.argument_types.fences import FenceWords
from shellplay.cmdline.registry import GRAMMAR, find
from shellplay.cmdline.tokenizer import Segment, segments
from shellplay.errors import ShellplayError
from shellplay.playground.playground import Playground
from shellplay.recipe.document import Actor, Recipe, Step

# These commands change only containers and run only their bashes. The list names each
# command, so that a new command counts as reaching the host until it is added here.
CONTAINER_COMMANDS = frozenset(
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
BASH_COMMANDS = ("enter", "exec", "in", "spawn")
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
    """One line of a recipe, its text, and how far it reaches; line 0 is the header."""

    line: int
    text: str
    reach: Reach


def effects(recipe: Recipe) -> Iterator[Effect]:
    """Yield the lines of a recipe that reach farther than shellplay's containers, in order.

    The environment of the header counts as reaching the host, since all programs get it.
    """
    for name, value in recipe.header.environment.items():
        yield Effect(0, f"env {name}={value}", Reach.HOST)
    for step in recipe.steps:
        if step.conditions.skip is None and (reach := reach_of(step)) is not Reach.CONTAINERS:
            yield Effect(step.line, f"{step.actor_text} {step.text}", reach)


def reach_of(step: Step) -> Reach:
    """Return how far a step reaches; a step that cannot be parsed counts as `Reach.HOST`."""
    if step.actor is Actor.HOST:
        return Reach.HOST
    if step.actor is not Actor.PLAY:
        return Reach.INSIDE
    if NAMED_TAG.search(step.text):
        return Reach.HOST
    try:
        reaches = [_reach_of_command(part) for part in segments(step.text, GRAMMAR)]
    except ShellplayError:
        # An unknown command may be a command of a later version.
        return Reach.HOST
    return max(reaches, key=lambda reach: reach.value, default=Reach.CONTAINERS)


def _reach_of_command(part: Segment) -> Reach:
    name, words = find(part.words[0].text).name, [each.text for each in part.words[1:]]
    if name in BASH_COMMANDS:
        return Reach.INSIDE
    if name == "fence" and _reach_host(words):
        return Reach.HOST
    # New bashes run that file before they have any fence.
    if name == "set" and words[:1] == ["bashrc"] and words[1:] != ["off"]:
        return Reach.HOST
    return Reach.CONTAINERS if name in CONTAINER_COMMANDS else Reach.HOST


def _reach_host(words: list[str]) -> bool:
    """Tell whether one of the fences that words name does; raises UsageError for no fences."""
    for option in ("-c", "--container"):
        if option in words:
            at = words.index(option)
            words = words[:at] + words[at + 2 :]
    chosen = FenceWords("KIND", "fences to put up").parse(words, Playground())
    return any(each.reaches_host for each in chosen.fences)
