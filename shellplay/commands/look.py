"""look: the fences around a container, as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from shellplay.cmdline.arguments import Target
from shellplay.cmdline.outcomes import Document, Outcome
from shellplay.cmdline.registry import command
from shellplay.playground.playground import Playground

if TYPE_CHECKING:
    from shellplay.container.container import Container


@command("look", group="looking", host=None, json=True, alone=True)
def look(
    playground: Playground,
    container: Annotated[Container | None, Target(positional=True, optional=True)],
) -> Iterator[Outcome]:
    """Show the fences as nested boxes, with the processes in the middle.

    The host is the outer box. Inside it is a box for each fence that is up, in the order in
    which they went up. Where there is not enough room, fences of one kind share a box.
    All of it is read from the kernel at that moment.

    Examples:
        look
        look web
        look --json
    """
    from shellplay.playground.picture import picture

    seen = picture(playground, container)

    def payload() -> object:
        from shellplay.views.look import nested

        return nested(seen)

    def view() -> object:
        from shellplay.views.look import Boxes

        return Boxes(seen)

    yield Document("look", payload, view)
