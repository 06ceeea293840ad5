"""Ranges for a bridge: free ones, or a refusal."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

import pytest

from shellplay.errors import Refused
from shellplay.network import subnets


def test_one_is_chosen_that_nothing_overlaps() -> None:
    whole = IPv4Network("10.192.0.0/12")
    free = IPv4Network("10.203.7.0/24")
    taken: dict[subnets.Network, str] = dict.fromkeys(whole.address_exclude(free), "x")
    assert subnets.choose(taken, None) == free


def test_if_none_is_free_it_is_said() -> None:
    with pytest.raises(Refused, match="is routed already"):
        subnets.choose({IPv4Network("10.0.0.0/8"): "the route to 10.0.0.0/8"}, None)


def test_one_of_ipv6_is_random_and_local() -> None:
    found = subnets.unique_local([IPv4Network("10.0.0.0/8")])
    assert found.subnet_of(IPv6Network("fd00::/8"))
    assert found.prefixlen == 64
    assert found != subnets.unique_local([found])
