"""The nftables table of a bridge: masquerade the packets that leave it, filter the others.

The host forwards packets, so a machine with a route through the host could reach every port in
a container.  The table drops all packets to the bridge but answers, so that only published
ports can be reached.  It also drops the packets that a container sends from a foreign address.
See nft(8); pyroute2 sends the rules as netlink messages.

Only the bridge process imports this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Network

from pyroute2.nftables.expressions import genex, verdict
from pyroute2.nftables.main import NFTables

from shellplay.network import isolation
from shellplay.network.nft_expressions import (
    ACCEPT,
    DROP,
    EQUAL,
    META_IIFNAME,
    META_OIFNAME,
    NFPROTO_BRIDGE,
    NFPROTO_INET,
    NFPROTO_IPV4,
    NFPROTO_IPV6,
    NFPROTO_UNSPEC,
    UNEQUAL,
    Expressions,
    Network,
    match_interface,
    match_new,
    match_source,
)

FAMILIES = {NFPROTO_INET: "inet", NFPROTO_IPV4: "ip", NFPROTO_IPV6: "ip6"}
FORWARD = 2
RAW_PRIORITY, SRCNAT_PRIORITY, FILTER_PRIORITY = -300, 100, 0
PREFIX = "shellplay-"
CHAIN_FROM, CHAIN_OUT, CHAIN_IN = "from", "out", "in"
# Addresses that every IPv6 host sends from: link-local, and unspecified while it probes.
IPV6_LOCAL = (IPv6Network("fe80::/10"), IPv6Network("::/128"))


def add(owner: int, bridge: str, networks: list[Network]) -> None:
    """Add the table of a bridge process: NAT for the networks, a filter for the bridge.

    ``owner`` is the PID of the process.  Raises pyroute2's NetlinkError.
    """
    table = f"{PREFIX}{owner}"
    with NFTables(nfgen_family=NFPROTO_INET) as nft:
        nft.begin()
        nft.table("add", name=table)
        nft.chain(
            "add", table=table, name=CHAIN_FROM, hook="prerouting", type="filter",
            priority=RAW_PRIORITY, policy=1,
        )  # fmt: skip
        for expressions in _source_rules(networks, bridge):
            nft.rule("add", table=table, chain=CHAIN_FROM, expressions=tuple(expressions))
        nft.chain(
            "add", table=table, name=CHAIN_OUT, hook="postrouting", type="nat",
            priority=SRCNAT_PRIORITY, policy=1,
        )  # fmt: skip
        for network in networks:
            masquerade = tuple(_masquerade_rule(network, bridge))
            nft.rule("add", table=table, chain=CHAIN_OUT, expressions=masquerade)
        nft.chain(
            "add", table=table, name=CHAIN_IN, hook="forward", type="filter",
            priority=FILTER_PRIORITY, policy=1,
        )  # fmt: skip
        nft.rule("add", table=table, chain=CHAIN_IN, expressions=tuple(_drop_rule(bridge)))
        isolation.add_chain(nft, table, networks)
        nft.commit()


def isolate(owner: int, host_end: str) -> None:
    """Let what comes from a veth pair reach its neighbours only, by the PID of the owner.

    Raises pyroute2's NetlinkError.
    """
    isolation.mark(f"{PREFIX}{owner}", host_end)


def remove(owner: int) -> None:
    """Remove the tables of a bridge process by its PID, if there are any."""
    name = f"{PREFIX}{owner}"
    for family in (NFPROTO_INET, NFPROTO_BRIDGE):
        if name in tables(family):
            with NFTables(nfgen_family=family) as nft:
                nft.table("del", name=name)


def tables(family: int = NFPROTO_INET) -> list[str]:
    """Return the names of the tables of all playgrounds."""
    with NFTables(nfgen_family=family) as nft:
        names = [str(table.get_attr("NFTA_TABLE_NAME")) for table in nft.get_tables()]
    return [name for name in names if name.startswith(PREFIX)]


def dropping_chains() -> list[str]:
    """Return the chains on the host's forward hook with the policy ``drop``.

    Each is written as in nft(8): family, table and chain.
    """
    with NFTables(nfgen_family=NFPROTO_UNSPEC) as nft:
        chains = [(chain, chain.get_attr("NFTA_CHAIN_HOOK")) for chain in nft.get_chains()]
    return [
        f"{FAMILIES.get(chain['nfgen_family'], '?')} {chain.get_attr('NFTA_CHAIN_TABLE')} "
        f"{chain.get_attr('NFTA_CHAIN_NAME')}"
        for chain, hook in chains
        if hook is not None and hook.get_attr("NFTA_HOOK_HOOKNUM") == FORWARD
        if chain.get_attr("NFTA_CHAIN_POLICY") == DROP
    ]


def _source_rules(networks: list[Network], bridge: str) -> Iterator[list[Expressions]]:
    """Yield the rules that drop each packet from the bridge with a foreign source address."""
    from_bridge = match_interface(META_IIFNAME, EQUAL, bridge)
    with_ipv6 = any(network.version == 6 for network in networks)
    for network in [*networks, *(IPV6_LOCAL if with_ipv6 else ())]:
        yield [from_bridge, *match_source(network), verdict(ACCEPT)]
    yield [from_bridge, verdict(DROP)]


def _masquerade_rule(network: Network, bridge: str) -> Iterator[Expressions]:
    yield from match_source(network)
    yield match_interface(META_OIFNAME, UNEQUAL, bridge)
    yield [genex("masq", {})]


def _drop_rule(bridge: str) -> Iterator[Expressions]:
    yield match_interface(META_OIFNAME, EQUAL, bridge)
    yield match_interface(META_IIFNAME, UNEQUAL, bridge)
    yield match_new()
    yield verdict(DROP)
