"""The long form of --network: ``name=bridge,alias=db,ip=10.0.0.2``, as options of their own."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence

from shellplay.errors import UsageError
from shellplay.nearest import did_you_mean

# The word of Docker for the network that a container gets anyway.
DEFAULT = "default"
KEYS = {
    "alias": "network-alias",
    "ip": "ip",
    "ip6": "ip6",
    "mac-address": "mac-address",
}
NOT_TAKEN = {
    "link-local-ip": "the bridge has one range of addresses",
    "driver-opt": "the bridge has no options",
    "gw-priority": "there is one way out",
}


def expanded(options: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the options with each key of a long --network as an option; raises UsageError."""
    found = {name: list(values) for name, values in options.items()}
    names = []
    for text in found.pop("network", []):
        if "=" not in text:
            names.append(text)
            continue
        for key, value in _keys(text):
            if key in ("name", "network"):
                names.append(value)
            else:
                found.setdefault(KEYS[key], []).append(value)
    wanted = list(dict.fromkeys(name for name in names if name not in ("", DEFAULT)))
    if len(wanted) > 1:
        raise UsageError(
            f"--network {' and '.join(wanted)}: a container has one network here",
            "leave the others out",
        )
    if wanted:
        found["network"] = wanted
    return {name: tuple(values) for name, values in found.items()}


def _keys(text: str) -> list[tuple[str, str]]:
    pairs = []
    for word in next(csv.reader([text]), []):
        key, _, value = word.strip().partition("=")
        key = key.lower()
        if key in NOT_TAKEN:
            raise UsageError(f"--network {text}: {key} is not taken: {NOT_TAKEN[key]}")
        if key not in ("name", "network", *KEYS) or not value:
            fix = did_you_mean(key, ("name", *KEYS))
            raise UsageError(f"--network {text}: {word!r} is not a key with a value", fix)
        pairs.append((key, value))
    if not any(key in ("name", "network") for key, _ in pairs):
        raise UsageError(f"--network {text} names no network", "name=bridge")
    return pairs
