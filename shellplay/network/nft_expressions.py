"""Expressions of nftables rules, as netlink messages of pyroute2; see nft(8).

Only the bridge process imports this module.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from pyroute2.nftables.expressions import genex

# From linux/netfilter.h and linux/netfilter/nf_tables.h.
NFPROTO_UNSPEC, NFPROTO_INET, NFPROTO_IPV4, NFPROTO_BRIDGE, NFPROTO_IPV6 = 0, 1, 2, 7, 10
DROP, ACCEPT = 0, 1
META_MARK, META_IIFNAME, META_OIFNAME, META_NFPROTO, META_L4PROTO = 3, 6, 7, 15, 16
CT_STATE, CT_DIRECTION = 0, 1
REPLY = 1
# Packets of an existing connection, and ICMP errors about one.
ESTABLISHED, RELATED = 1 << 1, 1 << 2
EQUAL, UNEQUAL = 0, 1
NETWORK_HEADER, TRANSPORT_HEADER = 1, 2
SOURCE_OFFSET = {4: 12, 6: 8}
DESTINATION_OFFSET = {4: 16, 6: 24}
NAME_SIZE = 16

Expression = dict[str, object]
Expressions = list[Expression]
Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


def match_source(network: Network) -> Iterator[Expressions]:
    """Match the packets from an address of a network."""
    yield from _match_network(network, SOURCE_OFFSET[network.version])


def match_destination(network: Network) -> Iterator[Expressions]:
    """Match the packets to an address of a network."""
    yield from _match_network(network, DESTINATION_OFFSET[network.version])


def match_other_destination(address: Address) -> Expressions:
    """Match the packets of this version of IP, which is checked before, to another address."""
    size = len(address.packed)
    return [
        _load_payload(NETWORK_HEADER, DESTINATION_OFFSET[address.version], size),
        compare(UNEQUAL, address.packed),
    ]


def match_icmp_6(kinds: range) -> Iterator[Expressions]:
    """Match the packets of ICMPv6 of these kinds, RFC 4443."""
    yield [genex("meta", {"dreg": 1, "key": META_L4PROTO}), compare(EQUAL, bytes([58]))]
    in_range = {"sreg": 1, "op": EQUAL, "from_data": value(bytes([kinds[0]]))}
    in_range["to_data"] = value(bytes([kinds[-1]]))
    yield [_load_payload(TRANSPORT_HEADER, 0, 1), genex("range", in_range)]


def match_interface(key: int, operator: int, name: str) -> Expressions:
    """Match the packets by the name of an interface, META_IIFNAME or META_OIFNAME."""
    text = name.encode().ljust(NAME_SIZE, b"\0")
    return [genex("meta", {"dreg": 1, "key": key}), compare(operator, text)]


def match_mark(operator: int, mark: int) -> Expressions:
    """Match the packets by their mark, a number in the byte order of the machine."""
    text = struct.pack("=I", mark)
    return [genex("meta", {"dreg": 1, "key": META_MARK}), compare(operator, text)]


def set_mark(mark: int) -> Expressions:
    """Set the mark of a packet."""
    number = value(struct.pack("=I", mark))
    return [
        genex("immediate", {"dreg": 1, "data": number}),
        genex("meta", {"sreg": 1, "key": META_MARK}),
    ]


def match_replies() -> Expressions:
    """Match the packets to who has begun a connection."""
    return [genex("ct", {"dreg": 1, "key": CT_DIRECTION}), compare(EQUAL, bytes([REPLY]))]


def match_new() -> Expressions:
    """Match the packets of no existing connection, and of no ICMP error about one."""
    # The kernel compares the state as a number in the byte order of the machine.
    answers, zero = struct.pack("=I", ESTABLISHED | RELATED), bytes(4)
    return [
        genex("ct", {"dreg": 1, "key": CT_STATE}),
        _mask(answers),
        compare(EQUAL, zero),
    ]


def compare(operator: int, data: bytes) -> Expression:
    """Compare the first register with bytes."""
    found: Expression = genex("cmp", {"sreg": 1, "op": operator, "data": value(data)})
    return found


def value(data: bytes) -> Expression:
    """Return bytes as a netlink attribute."""
    return {"attrs": [("NFTA_DATA_VALUE", data)]}


def _match_network(network: Network, offset: int) -> Iterator[Expressions]:
    family = NFPROTO_IPV4 if network.version == 4 else NFPROTO_IPV6
    size = network.max_prefixlen // 8
    yield [genex("meta", {"dreg": 1, "key": META_NFPROTO}), compare(EQUAL, bytes([family]))]
    yield [
        _load_payload(NETWORK_HEADER, offset, size),
        _mask(network.netmask.packed),
        compare(EQUAL, network.network_address.packed),
    ]


def _load_payload(base: int, offset: int, size: int) -> Expression:
    where = {"dreg": 1, "base": base, "offset": offset, "len": size}
    found: Expression = genex("payload", where)
    return found


def _mask(mask: bytes) -> Expression:
    size = len(mask)
    found: Expression = genex(
        "bitwise",
        {"sreg": 1, "dreg": 1, "len": size, "mask": value(mask), "xor": value(bytes(size))},
    )
    return found
