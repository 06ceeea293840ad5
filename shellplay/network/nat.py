"""The nftables table of a bridge: masquerade the packets that leave it, filter the others.

The host forwards packets, so a machine with a route through the host could reach every port in
a container.  The table drops all packets to the bridge but answers, so that only published
ports can be reached.  It also drops the packets that a container sends from a foreign address.
See nft(8); pyroute2 sends the rules as netlink messages.

Only the bridge process imports this module.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network

from pyroute2.nftables.expressions import genex, verdict
from pyroute2.nftables.main import NFTables

# From linux/netfilter.h and linux/netfilter/nf_tables.h.
NFPROTO_UNSPEC, NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6 = 0, 1, 2, 10
FAMILIES = {NFPROTO_INET: "inet", NFPROTO_IPV4: "ip", NFPROTO_IPV6: "ip6"}
FORWARD, DROP, ACCEPT = 2, 0, 1
META_IIFNAME, META_OIFNAME, META_NFPROTO = 6, 7, 15
CT_STATE = 0
# Packets of an existing connection, and ICMP errors about one.
ESTABLISHED, RELATED = 1 << 1, 1 << 2
EQUAL, UNEQUAL = 0, 1
NETWORK_HEADER = 1
SOURCE_OFFSET = {4: 12, 6: 8}
RAW_PRIORITY, SRCNAT_PRIORITY, FILTER_PRIORITY = -300, 100, 0
NAME_SIZE = 16
PREFIX = "shellplay-"
CHAIN_FROM, CHAIN_OUT, CHAIN_IN = "from", "out", "in"
# Addresses that every IPv6 host sends from: link-local, and unspecified while it probes.
IPV6_LOCAL = (IPv6Network("fe80::/10"), IPv6Network("::/128"))

Expressions = list[dict[str, object]]
Network = IPv4Network | IPv6Network


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
        nft.commit()


def remove(owner: int) -> None:
    """Remove the table of a bridge process by its PID, if there is one."""
    name = f"{PREFIX}{owner}"
    if name in tables():
        with NFTables(nfgen_family=NFPROTO_INET) as nft:
            nft.table("del", name=name)


def tables() -> list[str]:
    """Return the names of the tables of all playgrounds."""
    with NFTables(nfgen_family=NFPROTO_INET) as nft:
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
    from_bridge = _match_interface(META_IIFNAME, EQUAL, bridge)
    with_ipv6 = any(network.version == 6 for network in networks)
    for network in [*networks, *(IPV6_LOCAL if with_ipv6 else ())]:
        yield [from_bridge, *_match_source(network), verdict(ACCEPT)]
    yield [from_bridge, verdict(DROP)]


def _masquerade_rule(network: Network, bridge: str) -> Iterator[Expressions]:
    yield from _match_source(network)
    yield _match_interface(META_OIFNAME, UNEQUAL, bridge)
    yield [genex("masq", {})]


def _match_source(network: Network) -> Iterator[Expressions]:
    family = NFPROTO_IPV4 if network.version == 4 else NFPROTO_IPV6
    size = network.max_prefixlen // 8
    yield [genex("meta", {"dreg": 1, "key": META_NFPROTO}), _compare(EQUAL, bytes([family]))]
    yield [
        genex("payload", {
            "dreg": 1, "base": NETWORK_HEADER, "offset": SOURCE_OFFSET[network.version],
            "len": size,
        }),
        genex("bitwise", {
            "sreg": 1, "dreg": 1, "len": size, "mask": _value(network.netmask.packed),
            "xor": _value(bytes(size)),
        }),
        _compare(EQUAL, network.network_address.packed),
    ]  # fmt: skip


def _drop_rule(bridge: str) -> Iterator[Expressions]:
    yield _match_interface(META_OIFNAME, EQUAL, bridge)
    yield _match_interface(META_IIFNAME, UNEQUAL, bridge)
    # The kernel compares the state as a number in the byte order of the machine.
    reply, zero = struct.pack("=I", ESTABLISHED | RELATED), bytes(4)
    yield [
        genex("ct", {"dreg": 1, "key": CT_STATE}),
        genex("bitwise", {
            "sreg": 1, "dreg": 1, "len": 4, "mask": _value(reply), "xor": _value(zero),
        }),
        _compare(EQUAL, zero),
    ]  # fmt: skip
    yield verdict(DROP)


def _match_interface(key: int, operator: int, name: str) -> Expressions:
    text = name.encode().ljust(NAME_SIZE, b"\0")
    return [genex("meta", {"dreg": 1, "key": key}), _compare(operator, text)]


def _compare(operator: int, value: bytes) -> dict[str, object]:
    expression: dict[str, object] = genex(
        "cmp", {"sreg": 1, "op": operator, "data": _value(value)}
    )
    return expression


def _value(value: bytes) -> dict[str, object]:
    return {"attrs": [("NFTA_DATA_VALUE", value)]}
