"""Describe with which options of ``run`` a container was started, for ``inspect``."""

from __future__ import annotations

import math

from shellplay.container.spec import StartSpec


def of(start: StartSpec) -> dict[str, object]:
    """Return the keys of ``inspect --json`` about the options."""
    metadata, names, program = start.metadata, start.names, start.process
    endless = math.isinf(program.stop_seconds)
    return {
        "annotations": dict(metadata.annotations),
        "exposed": list(metadata.exposed),
        "names": {
            "hosts": [f"{name}:{address}" for name, address in names.hosts],
            "aliases": list(names.aliases),
            "links": [f"{container}:{alias}" for container, alias in names.links],
            "dns": list(names.servers),
            "dns_search": list(names.searches),
            "dns_options": list(names.options),
        },
        "stop": {
            "signal": program.stop_signal,
            "seconds": None if endless else program.stop_seconds,
        },
        "logs": {"driver": program.logs.driver, "most": program.logs.most},
        "sysctls": dict(program.sysctls),
    }
