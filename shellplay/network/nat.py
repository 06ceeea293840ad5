"""The table of nftables in which what leaves a bridge gets the address of the host.

And nothing comes to a bridge that was not asked for: the host forwards, so whoever has a route
by it, as a neighbour may, would reach every port inside, published or not.

It is in the process beside the bridge: pyroute2 is loaded there only.
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
FORWARD, DROP = 2, 0
META_IIFNAME, META_OIFNAME, META_NFPROTO = 6, 7, 15
CT_STATE = 0
# What belongs to a connection that was made already, or is an error of one.
ESTABLISHED, RELATED = 1 << 1, 1 << 2
EQUAL, UNEQUAL = 0, 1
NETWORK_HEADER = 1
SOURCE_OFFSET = {4: 12, 6: 8}
SRCNAT_PRIORITY, FILTER_PRIORITY = 100, 0
NAME_SIZE = 16
PREFIX = "shellplay-"
CHAIN, CHAIN_IN = "out", "in"

Expressions = list[dict[str, object]]
Network = IPv4Network | IPv6Network


def add(owner: int, bridge: str, networks: list[Network]) -> None:
    """Make the table of a process: what comes from networks, and what may come to them."""
    table = f"{PREFIX}{owner}"
    with NFTables(nfgen_family=NFPROTO_INET) as nft:
        nft.begin()
        nft.table("add", name=table)
        nft.chain(
            "add", table=table, name=CHAIN, hook="postrouting", type="nat",
            priority=SRCNAT_PRIORITY, policy=1,
        )  # fmt: skip
        for network in networks:
            found = tuple(_masqueraded(network, bridge))
            nft.rule("add", table=table, chain=CHAIN, expressions=found)
        nft.chain(
            "add", table=table, name=CHAIN_IN, hook="forward", type="filter",
            priority=FILTER_PRIORITY, policy=1,
        )  # fmt: skip
        nft.rule("add", table=table, chain=CHAIN_IN, expressions=tuple(_unasked(bridge)))
        nft.commit()


def remove(owner: int) -> None:
    """Remove the table of a process, if it has one."""
    name = f"{PREFIX}{owner}"
    if name in tables():
        with NFTables(nfgen_family=NFPROTO_INET) as nft:
            nft.table("del", name=name)


def tables() -> list[str]:
    """Return the names of the tables of all playgrounds."""
    with NFTables(nfgen_family=NFPROTO_INET) as nft:
        names = [str(each.get_attr("NFTA_TABLE_NAME")) for each in nft.get_tables()]
    return [each for each in names if each.startswith(PREFIX)]


def dropping() -> list[str]:
    """Return the chains of others that drop what is forwarded, unless a rule says otherwise.

    Each is written as nft(8) has it: family, table, chain.
    """
    with NFTables(nfgen_family=NFPROTO_UNSPEC) as nft:
        found = [(chain, chain.get_attr("NFTA_CHAIN_HOOK")) for chain in nft.get_chains()]
    return [
        f"{FAMILIES.get(chain['nfgen_family'], '?')} {chain.get_attr('NFTA_CHAIN_TABLE')} "
        f"{chain.get_attr('NFTA_CHAIN_NAME')}"
        for chain, hook in found
        if hook is not None and hook.get_attr("NFTA_HOOK_HOOKNUM") == FORWARD
        if chain.get_attr("NFTA_CHAIN_POLICY") == DROP
    ]


def _masqueraded(network: Network, bridge: str) -> Iterator[Expressions]:
    family = NFPROTO_IPV4 if network.version == 4 else NFPROTO_IPV6
    size = network.max_prefixlen // 8
    yield [genex("meta", {"dreg": 1, "key": META_NFPROTO}), _compared(EQUAL, bytes([family]))]
    yield [
        genex("payload", {
            "dreg": 1, "base": NETWORK_HEADER, "offset": SOURCE_OFFSET[network.version],
            "len": size,
        }),
        genex("bitwise", {
            "sreg": 1, "dreg": 1, "len": size, "mask": _data(network.netmask.packed),
            "xor": _data(bytes(size)),
        }),
        _compared(EQUAL, network.network_address.packed),
    ]  # fmt: skip
    yield _interface(META_OIFNAME, UNEQUAL, bridge)
    yield [genex("masq", {})]


def _unasked(bridge: str) -> Iterator[Expressions]:
    yield _interface(META_OIFNAME, EQUAL, bridge)
    yield _interface(META_IIFNAME, UNEQUAL, bridge)
    # The state is a number of the machine's own byte order.
    known, none = struct.pack("=I", ESTABLISHED | RELATED), bytes(4)
    yield [
        genex("ct", {"dreg": 1, "key": CT_STATE}),
        genex("bitwise", {
            "sreg": 1, "dreg": 1, "len": 4, "mask": _data(known), "xor": _data(none),
        }),
        _compared(EQUAL, none),
    ]  # fmt: skip
    yield verdict(DROP)


def _interface(key: int, how: int, name: str) -> Expressions:
    text = name.encode().ljust(NAME_SIZE, b"\0")
    return [genex("meta", {"dreg": 1, "key": key}), _compared(how, text)]


def _compared(how: int, value: bytes) -> dict[str, object]:
    compared: dict[str, object] = genex("cmp", {"sreg": 1, "op": how, "data": _data(value)})
    return compared


def _data(value: bytes) -> dict[str, object]:
    return {"attrs": [("NFTA_DATA_VALUE", value)]}
