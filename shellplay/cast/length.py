"""The length of a recipe: how long a replay takes at its usual speed."""

from __future__ import annotations

from collections.abc import Iterator

from shellplay.cast.events import Event, Output, Pause, Prompt, Typed
from shellplay.cast.narration import narrate
from shellplay.cast.pacing import Paced
from shellplay.recipe.document import Actor, Block, Direction, Prose, Recipe, Step


def seconds(recipe: Recipe) -> float:
    """Return the seconds of a replay, counted with the expected output; no step is run.

    The time of the steps themselves is not in it, nor that of a viewer who reads on.
    """
    last = 0.0

    def note(event: Event) -> None:
        nonlocal last
        last = event.time

    paced = Paced(note, seed=recipe.header.title)
    for event in _events(recipe):
        paced(event)
    paced(Prompt(0.0, ""))
    return last


def minutes(recipe: Recipe) -> int:
    """Return the length in whole minutes, at least 1."""
    return max(1, round(seconds(recipe) / 60))


def _events(recipe: Recipe) -> Iterator[Event]:
    """Yield the events of a performance whose output is exactly as expected."""
    is_hidden, pace = False, None
    for part in recipe.parts:
        match part:
            case Prose() if not is_hidden:
                yield from narrate(part, 0.0)
            case Direction(name="pause", seconds=length):
                yield Pause(0.0, length)
            case Direction(name="type", seconds=length):
                pace = length
            case Direction(name="hide" | "show" as name):
                is_hidden = name == "hide"
            case Block(items=items) if not is_hidden:
                for step in items:
                    if isinstance(step, Step) and step.conditions.skip is None:
                        yield from _step_events(step, pace)


def _step_events(step: Step, pace: float | None) -> Iterator[Event]:
    yield Prompt(0.0, "")
    if step.actor is not Actor.KEY:
        own = step.conditions.type
        yield Typed(0.0, f"{step.text}\n", pace if own is None else own)
    if step.expected:
        yield Output(0.0, "\n".join(line.text for line in step.expected))
    if step.conditions.pause is not None:
        yield Pause(0.0, step.conditions.pause)
