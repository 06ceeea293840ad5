"""The bridge of a playground, and the pairs of interfaces that lead from it into containers.

It lives in the process beside the REPL: pyroute2 is loaded there only.
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network, ip_interface, ip_network
from pathlib import Path

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from shellplay.errors import KernelError, Refused
from shellplay.kernel import constants as k
from shellplay.kernel import procfs
from shellplay.kernel.here import HERE
from shellplay.model import Leg
from shellplay.network import TITLE, nat, subnets
from shellplay.network.forwarding import IPV4, IPV6, Forwarding, gate
from shellplay.network.subnets import Network

PREFIX = "play"
OURS = re.compile(rf"{PREFIX}(\d+)(?:\.\d+)?")
# Of interfaces, with the PID below it: nobody else counts so far.
GROUP = 0x40000000
KINDS = ("bridge", "veth")
# From linux/if_addr.h, rtnetlink.h: nobody else can have our addresses, so none is probed.
IFA_F_NODAD = 0x02
FROM_ROUTER = 9
MAIN_TABLE = 254
LOOPBACK = "lo"


class Bridge:
    """The bridge of this process, made with the first leg, and everything that hangs on it."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self.name = f"{PREFIX}{self._owner}"
        self._route = IPRoute()
        self._forwarding = Forwarding()
        self._index: int | None = None
        self._ranges: list[Network] = []
        self._numbers = itertools.count()
        self._taken: dict[str, int] = {}
        self._notes: tuple[str, ...] = ()
        self._routed: set[int] = set()

    def attach(self, namespace: int, subnet: str | None) -> Leg:
        """Lead an interface into a network namespace, with addresses and a way out.

        Raises Refused and KernelError, and then nothing is left of it.
        """
        if self._index is None:
            self._build(subnets.parse(subnet) if subnet else None)
        elif subnet and ip_network(subnet) not in self._ranges:
            raise Refused(
                f"the bridge has the range {self._ranges[0]} already",
                "fence net bridge, without subnet",
            )
        number = self._free_number()
        link = f"{self.name}.{next(self._numbers)}"
        with _in_namespace(namespace) as (interface, inside, has_way_out):
            with _told(f"the interface {link}"):
                self._route.link(
                    "add", ifname=link, kind="veth", master=self._index, state="up",
                    group=GROUP | self._owner,
                    peer={"ifname": interface, "net_ns_fd": namespace},
                )  # fmt: skip
            try:
                with _told(interface):
                    leg = self._furnish(inside, interface, number, has_way_out=has_way_out)
            except BaseException:
                self.detach(link)
                raise
        self._taken[link] = number
        return leg._replace(link=link)

    def detach(self, link: str) -> None:
        """Remove a pair of interfaces; it may have gone with its namespace."""
        self._taken.pop(link, None)
        _remove_link(self._route, link)

    def sweep(self) -> None:
        """Remove what others have left who were killed, and put back what they changed."""
        with gate():
            sweep(self._route)
            if self._index is None:
                self._forwarding.start(())
                self._forwarding.end()

    def close(self) -> None:
        """Remove everything, and put back what was changed on the host."""
        try:
            if self._index is not None:
                with gate():
                    remove_all(self._route, self._owner)
                    self._forwarding.end()
        finally:
            self._route.close()

    def _build(self, wanted: IPv4Network | None) -> None:
        with gate(), _told(f"the bridge {self.name}"):
            sweep(self._route)
            taken = _routes(self._route)
            chosen: list[Network] = [subnets.choose(taken, wanted)]
            if Path("/proc/net/if_inet6").exists():
                chosen.append(subnets.unique_local(taken))
            self._make_link()
            try:
                self._notes = tuple(map(self._told_of, nat.dropping()))
                self._address(chosen)
                nat.add(self._owner, self.name, chosen)
                self._forwarding.start(self._settings(chosen))
            except BaseException:
                remove_all(self._route, self._owner)
                self._forwarding.end()
                self._index = None
                raise
            self._ranges = chosen

    def _make_link(self) -> None:
        try:
            self._route.link("add", ifname=self.name, kind="bridge", group=GROUP | self._owner)
        except NetlinkError as error:
            if error.code != errno.EEXIST:
                raise
            raise Refused(
                f"there is an interface {self.name} already", f"ip link delete {self.name}"
            ) from error
        self._index = socket.if_nametoindex(self.name)

    def _address(self, chosen: list[Network]) -> None:
        index = self._index
        for network in chosen:
            self._route.addr(
                "add", index=index, address=str(network.network_address + 1),
                prefixlen=network.prefixlen, flags=IFA_F_NODAD if network.version == 6 else 0,
            )  # fmt: skip
        self._route.link("set", index=index, state="up")

    def _settings(self, chosen: list[Network]) -> list[str]:
        """Return what has to be on for packets to come from the bridge, and answers back."""
        uplinks = {
            each.get_attr("RTA_OIF")
            for each in self._route.get_routes(family=socket.AF_INET, table=MAIN_TABLE)
        }
        found = {_name(each) for each in uplinks if each}
        names = {name for name in found if name and not OURS.fullmatch(name)} - {LOOPBACK}
        self._routed.add(4)
        settings = [IPV4.format(name) for name in sorted({*names, self.name})]
        if len(chosen) > 1:
            if why := self._no_ipv6():
                self._notes += (why,)
            else:
                self._routed.add(6)
                settings.append(IPV6)
        return settings

    def _no_ipv6(self) -> str | None:
        """Say why IPv6 leads nowhere beyond the bridge, None if it does."""
        found = self._route.get_routes(family=socket.AF_INET6, table=MAIN_TABLE)
        ways = [each for each in found if each["dst_len"] == 0 and each.get_attr("RTA_OIF")]
        if not ways:
            return "the host has no way out by IPv6, so the bridge has none"
        for each in ways:
            name = _name(each.get_attr("RTA_OIF"))
            accepts = Path(f"/proc/sys/net/ipv6/conf/{name}/accept_ra")
            if each["proto"] == FROM_ROUTER and name and accepts.read_text().strip() == "1":
                return (
                    "IPv6 ends at the bridge: a host that forwards it would not hear of its "
                    f"own router any more (sysctl net.ipv6.conf.{name}.accept_ra=2)"
                )
        return None

    def _told_of(self, chain: str) -> str:
        ways = (f"insert rule {chain} {way}ifname {self.name} accept" for way in "io")
        return (
            f"a firewall drops what is forwarded, so nothing gets out (nft '{'; '.join(ways)}')"
        )

    def _free_number(self) -> int:
        for link in [each for each in self._taken if not _exists(each)]:
            del self._taken[link]  # It went with its namespace.
        room = self._ranges[0].num_addresses - 1
        free = (each for each in range(2, room) if each not in self._taken.values())
        number = next(free, None)
        if number is None:
            raise Refused(f"every address of {self._ranges[0]} is taken", "stop a container")
        return number

    def _furnish(
        self, inside: IPRoute, interface: str, number: int, *, has_way_out: bool
    ) -> Leg:
        [link] = inside.get_links(ifname=interface)
        index = link["index"]
        addresses, gateways = [], []
        notes = [*self._notes]
        inside.link("set", index=index, state="up")
        for network in self._ranges:
            address = ip_interface((network.network_address + number, network.prefixlen))
            gateway = str(network.network_address + 1)
            try:
                inside.addr(
                    "add", index=index, address=str(address.ip), prefixlen=network.prefixlen,
                    flags=IFA_F_NODAD if network.version == 6 else 0,
                )  # fmt: skip
            except NetlinkError:
                if network.version == 4:
                    raise
                notes.append("there is no IPv6 inside: it is switched off there")
                continue
            addresses.append(str(address))
            if network.version in self._routed and not has_way_out:
                family = socket.AF_INET if network.version == 4 else socket.AF_INET6
                inside.route("add", dst="default", gateway=gateway, oif=index, family=family)
                gateways.append(gateway)
        if has_way_out:
            notes.append(f"there was a way out already, so none leads by {interface}")
        return Leg("", interface, tuple(addresses), tuple(gateways), tuple(notes))


def sweep(route: IPRoute) -> None:
    """Remove what playgrounds that were killed, with the process beside them, have left."""
    owners = {owner for _, owner in _links(route)}
    numbers = (table.removeprefix(nat.PREFIX) for table in nat.tables())
    owners |= {int(number) for number in numbers if number.isdigit()}
    for owner in owners - {os.getpid()}:
        words = procfs.arguments(owner)
        if not words or words[0] != TITLE:
            remove_all(route, owner)


def remove_all(route: IPRoute, owner: int) -> None:
    """Remove the bridge of a process, what hangs on it, and its table."""
    if owner in (of for _, of in _links(route)):
        # All at once: the kernel waits for everybody who may use one, and does so once.
        try:
            route.link("del", group=GROUP | owner)
        except NetlinkError as error:
            if error.code != errno.ENODEV:
                raise KernelError("netlink", error.code, f"{PREFIX}{owner}") from error
    nat.remove(owner)


def _links(route: IPRoute) -> list[tuple[str, int]]:
    """Return the interfaces that are a playground's, each with the PID in its name."""
    found = []
    for link in route.get_links():
        ours = OURS.fullmatch(link.get_attr("IFLA_IFNAME"))
        about = link.get_attr("IFLA_LINKINFO")
        if ours and about and about.get_attr("IFLA_INFO_KIND") in KINDS:
            found.append((ours[0], int(ours[1])))
    return found


def _remove_link(route: IPRoute, name: str) -> None:
    # It may go at any moment, with the namespace of its other end.
    with suppress(OSError):
        index = socket.if_nametoindex(name)
        try:
            route.link("del", index=index)
        except NetlinkError as error:
            if error.code != errno.ENODEV:
                raise KernelError("netlink", error.code, name) from error


def _name(index: int) -> str | None:
    """Return the name of an interface, None if it has gone since it was listed."""
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


def _routes(route: IPRoute) -> dict[Network, str]:
    """Return every range that the host has a route to, but for the default one."""
    found: dict[Network, str] = {}
    for each in route.get_routes():
        if (to := each.get_attr("RTA_DST")) is None or not each["dst_len"]:
            continue
        network = ip_network(f"{to}/{each['dst_len']}", strict=False)
        index = each.get_attr("RTA_OIF")
        where = f" on {_name(index)}" if index else ""
        found[network] = f"the route to {network}{where}"
    return found


@contextmanager
def _in_namespace(namespace: int) -> Iterator[tuple[str, IPRoute, bool]]:
    """Give a free name for an interface in a namespace, a socket that configures it, and
    whether a default route is there.
    """
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        HERE.setns(namespace, k.CLONE_NEWNET, of="the network inside")
        try:
            names = {name for _, name in socket.if_nameindex()}
            inside = IPRoute()
        finally:
            HERE.setns(home, k.CLONE_NEWNET, of="the network of the host")
    finally:
        os.close(home)
    with inside:
        interface = next(name for name in _interfaces() if name not in names)
        routes = inside.get_routes(family=socket.AF_INET, table=MAIN_TABLE)
        yield interface, inside, any(each["dst_len"] == 0 for each in routes)


def _interfaces() -> Iterator[str]:
    return (f"eth{number}" for number in itertools.count())


@contextmanager
def _told(subject: str) -> Iterator[None]:
    try:
        yield
    except NetlinkError as error:
        raise KernelError("netlink", error.code, subject) from error
