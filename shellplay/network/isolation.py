"""The rules for a container that reaches its neighbours at the bridge, and nothing else.

The container may have every address and route that it likes, so the rules go by the port of the
bridge from which a packet comes.  Only the bridge family of nftables knows this port.  It marks
the packets, and a chain of the inet family, which tracks connections, drops them.  The chain
comes before other programs change marks.

Only the bridge process imports this module.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyroute2.nftables.expressions import verdict
from pyroute2.nftables.main import NFTables

from shellplay.network.nft_expressions import (
    ACCEPT,
    DROP,
    EQUAL,
    META_IIFNAME,
    NFPROTO_BRIDGE,
    UNEQUAL,
    Expressions,
    Network,
    match_destination,
    match_icmp_6,
    match_interface,
    match_mark,
    match_other_destination,
    match_replies,
    set_mark,
)

CHAIN, MARKING_CHAIN = "isolated", "ports"
MARK = 0x73706C79
# Connections are tracked at -200 (NF_IP_PRI_CONNTRACK), and marks are changed at -150.
BEFORE_MANGLE, BEFORE_BRIDGE_NETFILTER = -199, -300
# The neighbour solicitation and advertisement of RFC 4861, which IPv6 needs for each packet.
NEIGHBOUR_DISCOVERY = range(135, 137)


def add_chain(nft: NFTables, table: str, networks: list[Network]) -> None:
    """Add the chain that drops marked packets, but those to neighbours and replies."""
    nft.chain(
        "add", table=table, name=CHAIN, hook="prerouting", type="filter",
        priority=BEFORE_MANGLE, policy=1,
    )  # fmt: skip
    for expressions in _rules(networks):
        nft.rule("add", table=table, chain=CHAIN, expressions=tuple(expressions))


def mark(table: str, host_end: str) -> None:
    """Mark each packet from a port of the bridge; raises pyroute2's NetlinkError."""
    with NFTables(nfgen_family=NFPROTO_BRIDGE) as nft:
        nft.begin()
        nft.table("add", name=table)
        nft.chain(
            "add", table=table, name=MARKING_CHAIN, hook="prerouting", type="filter",
            priority=BEFORE_BRIDGE_NETFILTER, policy=1,
        )  # fmt: skip
        rule = (match_interface(META_IIFNAME, EQUAL, host_end), set_mark(MARK))
        nft.rule("add", table=table, chain=MARKING_CHAIN, expressions=rule)
        nft.commit()


def _rules(networks: list[Network]) -> Iterator[list[Expressions]]:
    done = [set_mark(0), verdict(ACCEPT)]
    yield [match_mark(UNEQUAL, MARK), verdict(ACCEPT)]
    yield [match_replies(), *done]
    yield [*match_icmp_6(NEIGHBOUR_DISCOVERY), *done]
    for network in networks:
        # With br_netfilter (bridge-nf-call-iptables) packets between neighbours come here, too.
        gateway, last = network.network_address + 1, network.broadcast_address
        others = [match_other_destination(each) for each in (gateway, last)]
        yield [*match_destination(network), *others, *done]
    yield [verdict(DROP)]
