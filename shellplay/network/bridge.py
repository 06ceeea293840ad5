"""The bridge of a playground, and the veth pairs that connect containers to it (veth(4)).

Only the bridge process imports this module, as pyroute2 takes 250 ms to load.
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network, ip_network
from pathlib import Path

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from shellplay.errors import KernelError, Refused
from shellplay.kernel import constants as k
from shellplay.kernel import procfs
from shellplay.kernel.here import HERE
from shellplay.model import VethPair
from shellplay.network import TITLE, link_settings, nat, subnets
from shellplay.network.allocation import Allocation, Interface
from shellplay.network.forwarding import IPV4, IPV6, Forwarding, bridge_lock
from shellplay.network.subnets import Network

PREFIX = "play"
NAME_PATTERN = re.compile(rf"{PREFIX}(\d+)(?:\.\d+)?")
# The group of our interfaces is this bit and the PID: no other program uses so high numbers.
GROUP = 0x40000000
KINDS = ("bridge", "veth")
# From linux/if_addr.h and linux/rtnetlink.h.  IFA_F_NODAD: no other machine can have an
# address of the bridge, so the kernel need not probe for duplicates.
IFA_F_NODAD = 0x02
RTPROT_RA = 9
RT_TABLE_MAIN = 254
LOOPBACK = "lo"
ISOLATED = "only its neighbours at the bridge are reached: not the host, and nothing outside"


class Bridge:
    """The bridge of this process, its veth pairs, its nftables table and its forwarding.

    The bridge is created with the first veth pair.  ``name`` is its interface.
    """

    def __init__(self) -> None:
        self._owner = os.getpid()
        self.name = f"{PREFIX}{self._owner}"
        self._netlink = IPRoute()
        self._forwarding = Forwarding()
        self._index: int | None = None
        self._networks: list[Network] = []
        self._link_numbers = itertools.count()
        self._allocation = Allocation()
        self._notes: tuple[str, ...] = ()
        self._routed_versions: set[int] = set()

    def attach(
        self,
        namespace: int,
        subnet: str | None,
        addresses: Sequence[str] = (),
        mac: str | None = None,
        *,
        isolated: bool = False,
    ) -> VethPair:
        """Connect a network namespace by a veth pair, with addresses and default routes.

        ``namespace`` is a descriptor of it.  ``subnet`` is the IPv4 network of the bridge, None
        for any free one; ``addresses`` are those to have inside, at most one of each version,
        and ``mac`` is the hardware address.  An ``isolated`` one reaches its neighbours only.
        Raises Refused, UsageError and KernelError; then no link is left.
        """
        if self._index is None:
            self._create(subnets.parse(subnet) if subnet else None, addresses)
        elif subnet and ip_network(subnet) not in self._networks:
            raise Refused(
                f"the bridge has the range {self._networks[0]} already",
                "fence net bridge, without subnet",
            )
        # The kernel removes a veth pair with the namespace of either end.
        self._allocation.keep(_exists)
        host_end = f"{self.name}.{next(self._link_numbers)}"
        found = self._allocation.take(host_end, self._networks, addresses)
        with _netlink_in(namespace) as (interface, netlink, has_default_route):
            with _kernel_errors(f"the interface {host_end}"):
                self._netlink.link(
                    "add", ifname=host_end, kind="veth", group=GROUP | self._owner,
                    peer={"ifname": interface, "net_ns_fd": namespace},
                )  # fmt: skip
            try:
                if isolated:
                    self._isolate(host_end)
                with _kernel_errors(interface):
                    self._connect(host_end)
                    if mac is not None:
                        [link] = netlink.get_links(ifname=interface)
                        netlink.link("set", index=link["index"], address=mac)
                    routed = not (has_default_route or isolated)
                    pair = self._configure(netlink, interface, found, routed=routed)
            except BaseException:
                self.detach(host_end)
                raise
        if isolated:
            pair = pair.changed(notes=(ISOLATED,))
        elif has_default_route:
            taken = f"there was a way out already, so none leads by {interface}"
            pair = pair.changed(notes=(*pair.notes, taken))
        return pair.changed(link=host_end)

    def _isolate(self, host_end: str) -> None:
        try:
            nat.isolate(self._owner, host_end)
        except NetlinkError as error:
            raise Refused(
                f"this kernel has no rules for the ports of a bridge ({error})",
                "a kernel with CONFIG_NF_TABLES_BRIDGE; or fence net",
            ) from error

    def _connect(self, host_end: str) -> None:
        link_settings.apply(link_settings.PORT, host_end)
        index = socket.if_nametoindex(host_end)
        self._netlink.link("set", index=index, master=self._index, state="up")

    def detach(self, host_end: str) -> None:
        """Remove a veth pair by its host end; it may have ended with its namespace already."""
        self._allocation.release(host_end)
        _remove_link(self._netlink, host_end)

    def remove_stale(self) -> None:
        """Remove the bridges of killed bridge processes, and restore the forwarding sysctls."""
        with bridge_lock():
            remove_stale(self._netlink)
            if self._index is None:
                self._forwarding.start(())
                self._forwarding.end()

    def close(self) -> None:
        """Remove the bridge with its veth pairs and table, and restore the sysctls."""
        try:
            if self._index is not None:
                with bridge_lock():
                    remove_all(self._netlink, self._owner)
                    self._forwarding.end()
        finally:
            self._netlink.close()

    def _create(self, wanted: IPv4Network | None, addresses: Sequence[str]) -> None:
        with bridge_lock(), _kernel_errors(f"the bridge {self.name}"):
            remove_stale(self._netlink)
            routed_networks = _routed_networks(self._netlink)
            four, six = subnets.around(addresses)
            networks: list[Network] = [subnets.choose(routed_networks, wanted or four)]
            if Path("/proc/net/if_inet6").exists():
                networks.append(subnets.unique_local(routed_networks, six))
            self._create_link()
            try:
                self._notes = tuple(map(self._firewall_note, nat.dropping_chains()))
                self._add_addresses(networks)
                nat.add(self._owner, self.name, networks)
                self._forwarding.start(self._forwarding_settings(networks))
            except BaseException:
                remove_all(self._netlink, self._owner)
                self._forwarding.end()
                self._index = None
                raise
            self._networks = networks

    def _create_link(self) -> None:
        try:
            self._netlink.link(
                "add", ifname=self.name, kind="bridge", group=GROUP | self._owner
            )
        except NetlinkError as error:
            if error.code != errno.EEXIST:
                raise
            raise Refused(
                f"there is an interface {self.name} already", f"ip link delete {self.name}"
            ) from error
        self._index = socket.if_nametoindex(self.name)
        link_settings.apply(link_settings.BRIDGE, self.name)

    def _add_addresses(self, networks: list[Network]) -> None:
        index = self._index
        for network in networks:
            self._netlink.addr(
                "add", index=index, address=str(network.network_address + 1),
                prefixlen=network.prefixlen, flags=IFA_F_NODAD if network.version == 6 else 0,
            )  # fmt: skip
        self._netlink.link("set", index=index, state="up")

    def _forwarding_settings(self, networks: list[Network]) -> list[str]:
        """Return the sysctls that let the host forward packets from and to the bridge."""
        uplinks = {
            route.get_attr("RTA_OIF")
            for route in self._netlink.get_routes(family=socket.AF_INET, table=RT_TABLE_MAIN)
        }
        found = {_interface_name(index) for index in uplinks if index}
        names = {name for name in found if name and not NAME_PATTERN.fullmatch(name)} - {
            LOOPBACK
        }
        self._routed_versions.add(4)
        settings = [IPV4.format(name) for name in sorted({*names, self.name})]
        if len(networks) > 1:
            if reason := self._why_no_ipv6():
                self._notes += (reason,)
            else:
                self._routed_versions.add(6)
                settings.append(IPV6)
        return settings

    def _why_no_ipv6(self) -> str | None:
        """Return a sentence why IPv6 packets cannot leave the bridge, None if they can."""
        routes = self._netlink.get_routes(family=socket.AF_INET6, table=RT_TABLE_MAIN)
        default_routes = [
            route for route in routes if route["dst_len"] == 0 and route.get_attr("RTA_OIF")
        ]
        if not default_routes:
            return "the host has no way out by IPv6, so the bridge has none"
        for route in default_routes:
            name = _interface_name(route.get_attr("RTA_OIF"))
            accept_ra = Path(f"/proc/sys/net/ipv6/conf/{name}/accept_ra")
            if route["proto"] == RTPROT_RA and name and accept_ra.read_text().strip() == "1":
                return (
                    "IPv6 ends at the bridge: a host that forwards it would not hear of its "
                    f"own router any more (sysctl net.ipv6.conf.{name}.accept_ra=2)"
                )
        return None

    def _firewall_note(self, chain: str) -> str:
        rules = (
            f"insert rule {chain} {direction}ifname {self.name} accept" for direction in "io"
        )
        fix = "; ".join(rules)
        return f"a firewall drops what is forwarded, so nothing gets out (nft '{fix}')"

    def _configure(
        self,
        netlink: IPRoute,
        interface: str,
        found: Sequence[Interface],
        *,
        routed: bool,
    ) -> VethPair:
        [link] = netlink.get_links(ifname=interface)
        index = link["index"]
        addresses, gateways = [], []
        notes = [*self._notes]
        netlink.link("set", index=index, state="up")
        for network, address in zip(self._networks, found, strict=True):
            gateway = str(network.network_address + 1)
            try:
                netlink.addr(
                    "add", index=index, address=str(address.ip), prefixlen=network.prefixlen,
                    flags=IFA_F_NODAD if network.version == 6 else 0,
                )  # fmt: skip
            except NetlinkError:
                if network.version == 4:
                    raise
                notes.append("there is no IPv6 inside: it is switched off there")
                continue
            addresses.append(str(address))
            if network.version in self._routed_versions and routed:
                family = socket.AF_INET if network.version == 4 else socket.AF_INET6
                netlink.route("add", dst="default", gateway=gateway, oif=index, family=family)
                gateways.append(gateway)
        return VethPair("", interface, tuple(addresses), tuple(gateways), tuple(notes))


def remove_stale(netlink: IPRoute) -> None:
    """Remove the bridges and tables whose bridge process does not exist any more."""
    owners = {owner for _, owner in _playground_links(netlink)}
    numbers = (table.removeprefix(nat.PREFIX) for table in nat.tables())
    owners |= {int(number) for number in numbers if number.isdigit()}
    for owner in owners - {os.getpid()}:
        words = procfs.arguments(owner)
        if not words or words[0] != TITLE:
            remove_all(netlink, owner)


def remove_all(netlink: IPRoute, owner: int) -> None:
    """Remove the bridge of a process, its veth pairs, and its nftables table."""
    if owner in (link_owner for _, link_owner in _playground_links(netlink)):
        # One request for the whole group: the kernel waits for all users of an interface
        # before it removes one, and so it waits only once.
        try:
            netlink.link("del", group=GROUP | owner)
        except NetlinkError as error:
            if error.code != errno.ENODEV:
                raise KernelError("netlink", error.code, f"{PREFIX}{owner}") from error
    nat.remove(owner)


def _playground_links(netlink: IPRoute) -> list[tuple[str, int]]:
    """Return the interfaces of all playgrounds, each with the PID in its name."""
    links = []
    for link in netlink.get_links():
        match = NAME_PATTERN.fullmatch(link.get_attr("IFLA_IFNAME"))
        info = link.get_attr("IFLA_LINKINFO")
        if match and info and info.get_attr("IFLA_INFO_KIND") in KINDS:
            links.append((match[0], int(match[1])))
    return links


def _remove_link(netlink: IPRoute, name: str) -> None:
    # The kernel removes a veth pair with the namespace of either end, at any moment.
    with suppress(OSError):
        index = socket.if_nametoindex(name)
        try:
            netlink.link("del", index=index)
        except NetlinkError as error:
            if error.code != errno.ENODEV:
                raise KernelError("netlink", error.code, name) from error


def _interface_name(index: int) -> str | None:
    """Return the name of an interface, None if it does not exist any more."""
    try:
        return socket.if_indextoname(index)
    except OSError:
        return None


def _exists(name: str) -> bool:
    try:
        socket.if_nametoindex(name)
    except OSError:
        return False
    return True


def _routed_networks(netlink: IPRoute) -> dict[Network, str]:
    """Return each network with a route, except the default route, and a text for messages."""
    networks: dict[Network, str] = {}
    for route in netlink.get_routes():
        if (destination := route.get_attr("RTA_DST")) is None or not route["dst_len"]:
            continue
        network = ip_network(f"{destination}/{route['dst_len']}", strict=False)
        index = route.get_attr("RTA_OIF")
        device = f" on {_interface_name(index)}" if index else ""
        networks[network] = f"the route to {network}{device}"
    return networks


@contextmanager
def _netlink_in(namespace: int) -> Iterator[tuple[str, IPRoute, bool]]:
    """Open a netlink socket in a network namespace, for the block.

    Gives a free name for an interface there, the socket, and whether there is a default route.
    """
    host_namespace = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        HERE.setns(namespace, k.CLONE_NEWNET, of="the network inside")
        try:
            names = {name for _, name in socket.if_nameindex()}
            netlink = IPRoute()
        finally:
            HERE.setns(host_namespace, k.CLONE_NEWNET, of="the network of the host")
    finally:
        os.close(host_namespace)
    with netlink:
        interface = next(name for name in _interfaces() if name not in names)
        routes = netlink.get_routes(family=socket.AF_INET, table=RT_TABLE_MAIN)
        yield interface, netlink, any(route["dst_len"] == 0 for route in routes)


def _interfaces() -> Iterator[str]:
    return (f"eth{number}" for number in itertools.count())


@contextmanager
def _kernel_errors(subject: str) -> Iterator[None]:
    try:
        yield
    except NetlinkError as error:
        raise KernelError("netlink", error.code, subject) from error
