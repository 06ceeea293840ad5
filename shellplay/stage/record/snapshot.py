"""The state of the playground as a `Scene`, in the shapes of docs/json.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from shellplay.cast.events import Scene
from shellplay.commands.containers import rows
from shellplay.playground.playground import Playground
from shellplay.views.json import plain

Record = Mapping[str, object]


def take_scene(playground: Playground, time: float, label: str) -> Scene:
    """Return the containers with their fences, and the processes, as they are now.

    ``time`` is that of the event in seconds, ``label`` the command before it.
    """
    containers = []
    for row, container in zip(rows(playground), playground.containers, strict=True):
        fences = [] if container.dead else container.fences()
        containers.append(cast(Record, plain({**row, "fences": fences})))
    processes = [cast(Record, plain(each)) for each in playground.snapshot().processes]
    return Scene(time, label, tuple(containers), tuple(processes))
