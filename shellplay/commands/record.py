"""record: record the session as a recipe."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from shellplay.cmdline.arguments import Choice, Option, Word
from shellplay.cmdline.observer import Recording
from shellplay.cmdline.outcomes import Outcome
from shellplay.cmdline.registry import command
from shellplay.errors import UsageError
from shellplay.nearest import quoted

VERBS = {"start": "begin to write a recipe", "stop": "complete it"}


def _on_host(words: Sequence[str]) -> Iterator[str]:
    if words[:1] == ["start"]:
        yield f"writes the recipe {' '.join(words[1:])}"


@command("record", group="recipes", host=_on_host)
def record(
    recording: Recording,
    verb: Annotated[
        str | None, Choice("start|stop", "begin or end; else say how it is", VERBS)
    ] = None,
    place: Annotated[
        str | None, Word("NAME|FILE", "NAME.play.md, or the path of a file")
    ] = None,
    *,
    force: Annotated[bool, Option("replace a file that is there", short="-f")] = False,
) -> Iterator[Outcome]:
    """Write down what is done from now on, as a recipe that can be tested and replayed.

    Commands and what is typed into a live bash become steps, a line that begins with #
    becomes prose, and one with ## a heading. What is typed without echo is never written
    down. A recording begins before the first container.

    Examples:
        record start zombies
        record start --force lessons/zombies.play.md
        record stop
        record
    """
    if verb == "start" and place is None:
        raise UsageError("record start needs NAME|FILE", "as in: record start zombies")
    if verb != "start" and place is not None:
        raise UsageError(f"record {verb or ''} takes no {quoted(place)}", "record stop")
    if verb == "start":
        yield recording.start(str(place), force=force)
    elif verb == "stop":
        yield recording.stop()
    else:
        name = recording.name
        yield f"it is written down in {name}" if name else "nothing is being recorded"
