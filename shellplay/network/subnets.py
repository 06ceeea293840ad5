"""Choose the subnets of a bridge: no route of the host may lead to one of their addresses."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from shellplay.errors import Refused, UsageError

Network = IPv4Network | IPv6Network

# Subnets of 254 addresses in 10.192.0.0/12, which Docker and Podman do not use.
FIRST_ADDRESS, COUNT, PREFIX_LENGTH = (
    int(IPv4Network("10.192.0.0/12").network_address),
    4096,
    24,
)
UNIQUE_LOCAL = 0xFD
LONGEST_PREFIX = 30


def parse(text: str) -> IPv4Network:
    """Parse the subnet that a user asks for; raises UsageError."""
    try:
        network = ip_network(text)
    except ValueError as error:
        raise UsageError(f"subnet {text!r}: {error}", "as in subnet=10.200.1.0/24") from error
    if not isinstance(network, IPv4Network) or network.prefixlen > LONGEST_PREFIX:
        raise UsageError(
            f"subnet {text!r} is not a range of IPv4 addresses with room for two",
            "as in subnet=10.200.1.0/24",
        )
    return network


def around(addresses: Iterable[str]) -> tuple[IPv4Network | None, IPv6Network | None]:
    """Return the subnets for a bridge with the addresses that a container asks for.

    None for a version of which none is asked for.  Raises Refused for an address of others:
    the host would not reach its owner any more.
    """
    found: dict[int, IPv4Network | IPv6Network] = {}
    for text in addresses:
        address = ip_address(text)
        if not address.is_private or address.is_loopback or address.is_link_local:
            raise Refused(f"{address} belongs to others", "an address like 10.200.1.7")
        length = PREFIX_LENGTH if address.version == 4 else 64
        found[address.version] = ip_network((address, length), strict=False)
    four, six = found.get(4), found.get(6)
    return (
        four if isinstance(four, IPv4Network) else None,
        six if isinstance(six, IPv6Network) else None,
    )


def choose(routed: dict[Network, str], wanted: IPv4Network | None) -> IPv4Network:
    """Return the subnet ``wanted``, or a free one if it is None.

    ``routed`` are the networks that it must not overlap, with a text about each for the
    message.  Raises Refused.
    """
    if wanted is not None:
        for network, reason in routed.items():
            if _overlap(network, wanted):
                raise Refused(
                    f"the range {wanted} overlaps {reason}",
                    "fence net bridge, without subnet, chooses a free one",
                )
        return wanted
    for number in random.sample(range(COUNT), COUNT):
        candidate = IPv4Network((FIRST_ADDRESS + (number << 32 - PREFIX_LENGTH), PREFIX_LENGTH))
        if not any(_overlap(network, candidate) for network in routed):
            return candidate
    raise Refused(
        "every range of addresses in 10.192.0.0/12 is routed already",
        "fence net bridge subnet=RANGE",
    )


def unique_local(routed: Iterable[Network], wanted: IPv6Network | None = None) -> IPv6Network:
    """Return a free unique local IPv6 subnet, a /64 with 40 random bits (RFC 4193).

    With ``wanted`` that one; raises Refused if it is routed already.
    """
    if wanted is not None:
        if any(_overlap(network, wanted) for network in routed):
            raise Refused(f"the range {wanted} is routed already", "another address")
        return wanted
    while True:
        address = bytes([UNIQUE_LOCAL]) + os.urandom(5) + bytes(10)
        candidate = IPv6Network((address, 64))
        if not any(_overlap(network, candidate) for network in routed):
            return candidate


def _overlap(first: Network, second: Network) -> bool:
    if isinstance(first, IPv4Network) and isinstance(second, IPv4Network):
        return first.overlaps(second)
    if isinstance(first, IPv6Network) and isinstance(second, IPv6Network):
        return first.overlaps(second)
    return False
