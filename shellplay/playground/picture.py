"""What ``look`` draws: a container, its fences and its processes, on the host."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shellplay.errors import ShellGone
from shellplay.fences import ORDER
from shellplay.model import Layer, Picture, Role
from shellplay.playground.processes import inside_view

if TYPE_CHECKING:
    from shellplay.container.container import Container
    from shellplay.model import ShellIdentity
    from shellplay.playground.playground import Playground
    from shellplay.playground.processes import Snapshot
    from shellplay.shell.shell import Shell


def picture(playground: Playground, container: Container | None) -> Picture:
    """Return the picture of a container, or of the host alone, re-read from the kernel."""
    taken = playground.snapshot(everything=True)
    host, processes = os.uname().nodename, len(taken.processes)
    others = tuple(each.label for each in playground.containers if each is not container)
    if container is None:
        return Picture(None, host, processes, not_fenced=ORDER, others=others)
    layers, parked = container.layers()
    kinds = {layer.fence for layer in layers}
    return Picture(
        label=container.label,
        host=host,
        host_processes=processes,
        layers=tuple(_counted(layer, taken, container.pid) for layer in layers),
        bash=_identity_or_none(container.live),
        processes=tuple(
            each
            for each in taken.processes
            if each.container == container.label and each.role is not Role.PARKED
        ),
        parked=parked,
        not_fenced=tuple(kind for kind in ORDER if kind not in kinds),
        others=others,
    )


def _counted(layer: Layer, taken: Snapshot, bash: int) -> Layer:
    if layer.fence != "pid":
        return layer
    inside = len(inside_view(taken, bash))
    return layer.changed(contents=f"{inside} of the host's {len(taken.processes)} processes")


def _identity_or_none(bash: Shell) -> ShellIdentity | None:
    """Return the PIDs of a bash; None if it has ended, which may be at this moment."""
    try:
        return bash.identity
    except ShellGone:
        return None
