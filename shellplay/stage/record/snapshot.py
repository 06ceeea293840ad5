"""How the playground stands at a moment, in the shapes of docs/json.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from shellplay.cast.events import Scene
from shellplay.commands.containers import rows
from shellplay.playground.playground import Playground
from shellplay.views.json import plain

Record = Mapping[str, object]


def scene(playground: Playground, time: float, label: str) -> Scene:
    """Take a picture of all containers with their fences, and of their processes."""
    containers = []
    for row, container in zip(rows(playground), playground.containers, strict=True):
        fences = [] if container.dead else container.fences()
        containers.append(cast(Record, plain({**row, "fences": fences})))
    processes = [cast(Record, plain(each)) for each in playground.snapshot().processes]
    return Scene(time, label, tuple(containers), tuple(processes))
