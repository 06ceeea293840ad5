"""volume: the named and anonymous volumes of the user."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from shellplay.cmdline.argument_types.filters import Filter, FilterWord
from shellplay.cmdline.argument_types.verbs import Order
from shellplay.cmdline.argument_types.volumes import VolumeWords
from shellplay.cmdline.arguments import Option, Word
from shellplay.cmdline.outcomes import Document, Outcome
from shellplay.cmdline.registry import command
from shellplay.playground.playground import Playground

LIST = Order("ls", ())
FILTERS = FilterWord(
    {
        "label": "label=NAME or label=NAME=VALUE",
        "name": "a part of the name",
        "dangling": "true: that no container has",
    }
)


@command(
    "volume",
    group="files",
    host=VolumeWords.effects,
    aliases=("volumes",),
    json=True,
    alone=True,
)
def volume(
    playground: Playground,
    order: Annotated[Order, VolumeWords("VERB", "ls, create, rm, inspect, prune")] = LIST,
    *,
    filter_: Annotated[
        Sequence[Filter],
        Option("ls: only those with all of these", argument=FILTERS, repeated=True),
    ] = (),
    label: Annotated[
        Sequence[str],
        Option("create: a note on it", argument=Word("NAME[=VALUE]", "a label"), repeated=True),
    ] = (),
    all_: Annotated[bool, Option("prune: those with a name, too", short="-a")] = False,
    force: Annotated[bool, Option("rm: it may be missing", short="-f")] = False,
) -> Iterator[Outcome]:
    """Keep volumes: directories that outlive a container, and that several can have.

    run -v NAME:/PATH makes one that is missing; it begins with what the image has at PATH.
    run -v /PATH and an image can ask for one without a name, which ends with the container
    (--rm, rm -v, and the end of the playground); after rm alone it stays.

    They are yours, in XDG_DATA_HOME, and nobody else may enter. One that a container has,
    also one that has ended, cannot be removed.

    Examples:
        volume ls
        volume create data --label app=web
        volume inspect data --json
        volume rm data
        volume prune         # without a name; -a: all that no container has
    """
    from shellplay.commands import volume_verbs

    match order.verb:
        case "ls":
            yield from volume_verbs.show(playground, filter_)
        case "create":
            yield from volume_verbs.create(order.words, label)
        case "inspect":
            facts = volume_verbs.facts(playground, order.words)
            yield Document("volume", lambda: facts, lambda: volume_verbs.pages(facts))
        case "rm":
            yield from volume_verbs.remove(order.words, force=force)
        case _:
            yield from volume_verbs.prune(everything=all_)
