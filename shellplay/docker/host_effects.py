"""What a ``run`` does on the host: the user reads it before a recipe of a stranger runs."""

from __future__ import annotations

import os
from collections.abc import Iterator

from shellplay.docker.option_table import OPTIONS
from shellplay.docker.options import RunRequest
from shellplay.fences.base.fence import host_effects as effects_of_value
from shellplay.fences.net import BRIDGE, ON_HOST, PASTA


def host_effects(request: RunRequest) -> Iterator[str]:
    """Yield what a request does on the host, in words that begin with a verb."""
    if request.last("network") is None:
        yield ON_HOST[BRIDGE if os.geteuid() == 0 else PASTA]
    for name, values in request.options.items():
        if OPTIONS[name].metavar or request.has(name):
            for value in values:
                yield from effects_of_value(OPTIONS[name].host, value)
