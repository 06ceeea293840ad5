"""Ranges of addresses for a bridge: one that no route of the host leads to."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

from shellplay.errors import Refused, UsageError

Network = IPv4Network | IPv6Network

# 10.192.0.0/12 in parts of 254 addresses: Docker and Podman take others.
FIRST, COUNT, PREFIX = int(IPv4Network("10.192.0.0/12").network_address), 4096, 24
UNIQUE_LOCAL = 0xFD
SMALLEST = 30


def parse(text: str) -> IPv4Network:
    """Read a range that somebody asks for; raises UsageError."""
    try:
        found = ip_network(text)
    except ValueError as error:
        raise UsageError(f"subnet {text!r}: {error}", "as in subnet=10.200.1.0/24") from error
    if not isinstance(found, IPv4Network) or found.prefixlen > SMALLEST:
        raise UsageError(
            f"subnet {text!r} is no range of IPv4 addresses with room for two",
            "as in subnet=10.200.1.0/24",
        )
    return found


def choose(taken: dict[Network, str], wanted: IPv4Network | None) -> IPv4Network:
    """Return the range that is wanted, or one of ours, that none of ``taken`` overlaps.

    ``taken`` says of each range what it is.  Raises Refused.
    """
    if wanted is not None:
        for other, what in taken.items():
            if _overlap(other, wanted):
                raise Refused(
                    f"the range {wanted} overlaps {what}",
                    "fence net bridge, without subnet, chooses a free one",
                )
        return wanted
    for number in random.sample(range(COUNT), COUNT):
        found = IPv4Network((FIRST + (number << 32 - PREFIX), PREFIX))
        if not any(_overlap(other, found) for other in taken):
            return found
    raise Refused(
        "every range of addresses in 10.192.0.0/12 is routed already",
        "fence net bridge subnet=RANGE",
    )


def unique_local(taken: Iterable[Network]) -> IPv6Network:
    """Return a range of 64 bits as RFC 4193 has it: 40 of them random."""
    while True:
        address = bytes([UNIQUE_LOCAL]) + os.urandom(5) + bytes(10)
        found = IPv6Network((address, 64))
        if not any(_overlap(other, found) for other in taken):
            return found


def _overlap(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.overlaps(other)
    if isinstance(one, IPv6Network) and isinstance(other, IPv6Network):
        return one.overlaps(other)
    return False
