"""The addresses at a bridge: which host end has which, and which are free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface

from shellplay.errors import Refused
from shellplay.network.subnets import Network

Interface = IPv4Interface | IPv6Interface
# The first address of a network is that of the bridge.
FIRST = 2


class Allocation:
    """The addresses of the networks of a bridge, by host end."""

    def __init__(self) -> None:
        self._taken: dict[str, tuple[Interface, ...]] = {}

    def take(
        self, host_end: str, networks: Sequence[Network], wanted: Sequence[str]
    ) -> tuple[Interface, ...]:
        """Return an address in each network, the ``wanted`` ones where there are any.

        Raises Refused if a wanted one is in no network or taken, or if none is free.
        """
        fixed = {ip_address(text).version: ip_address(text) for text in wanted}
        taken = {each.ip for addresses in self._taken.values() for each in addresses}
        for address in fixed.values():
            network = next((each for each in networks if each.version == address.version), None)
            if network is None or address not in network:
                ranges = ", ".join(map(str, networks))
                raise Refused(f"{address} is not an address at the bridge", f"one of {ranges}")
            if address in taken or int(address) - int(network.network_address) < FIRST:
                raise Refused(f"{address} is taken", "another one, or leave it out")
        for number in range(FIRST, networks[0].num_addresses - 1):
            found = [
                fixed.get(each.version, each.network_address + number) for each in networks
            ]
            if not taken & set(found):
                addresses = tuple(
                    ip_interface((address, each.prefixlen))
                    for address, each in zip(found, networks, strict=True)
                )
                self._taken[host_end] = addresses
                return addresses
        raise Refused(f"every address of {networks[0]} is taken", "stop a container")

    def release(self, host_end: str) -> None:
        """Give the addresses of a host end back."""
        self._taken.pop(host_end, None)

    def keep(self, exists: Callable[[str], bool]) -> None:
        """Give back the addresses of all host ends that do not exist any more."""
        self._taken = {link: found for link, found in self._taken.items() if exists(link)}
