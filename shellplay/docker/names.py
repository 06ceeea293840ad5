"""Translate --add-host, --dns and their kin to the names that a container can look up."""

from __future__ import annotations

import re
from ipaddress import ip_address

from shellplay.container.spec import HOST_GATEWAY, EndpointSpec, NameSpec
from shellplay.docker.options import RunRequest
from shellplay.errors import UsageError

# hosts(5) and resolv.conf(5) are read by words and lines: no value may bring more of them.
HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?")
WORD = re.compile(r"[!-~]{1,255}")
MAC = re.compile("[0-9a-f]{2}(:[0-9a-f]{2}){5}")
NO_SEARCH = "."
# What belongs to the network of the other container with --network container:NAME.
OF_THE_OTHER = (
    *("add-host", "dns", "dns-search", "dns-option", "network-alias", "link", "expose"),
    *("publish", "publish-all", "hostname", "mac-address", "ip", "ip6"),
)
# What takes neighbours.
AT_A_BRIDGE = ("network-alias", "link", "mac-address", "ip", "ip6")


def names(request: RunRequest) -> NameSpec:
    """Return the names that a request asks for; raises UsageError."""
    _require_own_network(request)
    return NameSpec(
        hosts=tuple(map(_host, request.all("add-host"))),
        servers=tuple(_address("--dns", text) for text in request.all("dns")),
        searches=tuple(map(_search, request.all("dns-search"))),
        options=tuple(map(_option, request.all("dns-option"))),
        aliases=tuple(_name("--network-alias", text) for text in request.all("network-alias")),
        links=tuple(map(_link, request.all("link"))),
    )


def endpoint(request: RunRequest) -> EndpointSpec:
    """Return the addresses that a request asks for at the bridge; raises UsageError."""
    addresses = []
    for option, version in (("ip", 4), ("ip6", 6)):
        if text := request.last(option):
            address = _address(f"--{option}", text)
            if ip_address(address).version != version:
                raise UsageError(f"--{option} {text} is an address of the other version")
            addresses.append(address)
    mac = (request.last("mac-address") or "").replace("-", ":").lower()
    # The lowest bit of the first byte stands for a group.
    if mac and not (MAC.fullmatch(mac) and not int(mac[:2], 16) & 1 and mac.strip("0:")):
        raise UsageError(f"--mac-address {mac!r} is of no interface", "as in 92:d0:c6:0a:29:33")
    return EndpointSpec(tuple(addresses), mac or None)


def _require_own_network(request: RunRequest) -> None:
    network = request.last("network") or ""
    for option in OF_THE_OTHER if network.startswith("container:") else ():
        if request.all(option):
            raise UsageError(
                f"--{option} changes nothing with --network {network}",
                "give it to the other container",
            )
    for option in AT_A_BRIDGE if network in ("none", "host", "pasta") else ():
        if request.all(option):
            raise UsageError(
                f"--{option} takes a network with neighbours, not --network {network}",
                "--network bridge, or leave it out",
            )


def _host(text: str) -> tuple[str, str]:
    separator = "=" if "=" in text else ":"
    name, _, address = text.partition(separator)
    if not address:
        raise UsageError(f"--add-host {text} has no address", "as in db:10.0.0.2")
    if address != HOST_GATEWAY:
        address = _address("--add-host", address.removeprefix("[").removesuffix("]"))
    return _name("--add-host", name), address


def _address(spelling: str, text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise UsageError(f"{spelling}: {text!r} is not an address", "as in 10.0.0.2") from error


def _name(spelling: str, text: str) -> str:
    if not HOST_NAME.fullmatch(text):
        raise UsageError(f"{spelling}: {text!r} is not a host name", "letters, digits, - and .")
    return text


def _search(text: str) -> str:
    return text if text == NO_SEARCH else _name("--dns-search", text)


def _option(text: str) -> str:
    if not WORD.fullmatch(text):
        raise UsageError(f"--dns-option: {text!r} is not an option", "as in ndots:2")
    return text


def _link(text: str) -> tuple[str, str]:
    container, _, alias = text.partition(":")
    if not container:
        raise UsageError(f"--link {text} names no container", "CONTAINER[:NAME]")
    return container, _name("--link", alias or container)
