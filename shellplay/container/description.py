"""Describe with which options of ``run`` a container was started, for ``inspect``."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shellplay.container.spec import StartSpec, VolumeSpec


def of(start: StartSpec, volumes: Sequence[VolumeSpec]) -> dict[str, object]:
    """Return the keys of ``inspect --json`` about the options; ``volumes`` are mounted."""
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
        "mounts": [
            {
                "type": _kind(each),
                "source": None if each.source is None else str(each.source),
                "volume": each.volume,
                "target": each.target,
                "read_only": each.read_only,
            }
            for each in volumes
        ],
    }


def _kind(volume: VolumeSpec) -> str:
    if volume.volume is not None:
        return "volume"
    if volume.device:
        return "device"
    return "tmpfs" if volume.source is None else "bind"
