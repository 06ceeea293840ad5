"""Experiments with the network."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator

from shellplay.kernel import constants as k
from shellplay.refusal.experiments.experiment import FIRST, Experiment

FAR = struct.pack("=H2s4s8x", 2, b"\0\x09", bytes((192, 0, 2, 1)))
LOW_PORT = struct.pack("=H2s4s8x", 2, b"\0\x07", bytes((127, 0, 0, 1)))
ANY_PORT = struct.pack("=H2s4s8x", 2, b"\0\0", bytes((127, 0, 0, 1)))
IP_TRANSPARENT, SO_MARK = 19, 36
NETLINK_NETFILTER, AF_NETLINK, AF_ALG, AF_VSOCK, AF_PACKET = 12, 16, 38, 40, 17


def all_of() -> Iterator[Experiment]:
    """Yield the experiments with the network."""
    group = "network"
    inet, datagram, raw = k.AF_INET, k.SOCK_DGRAM, 3
    for name, tries, arguments in (
        ("socket", "open a TCP socket", (inet, k.SOCK_STREAM, 0)),
        ("raw-socket", "forge packets, ping", (inet, raw, 1)),
        ("packet-socket", "read all packets", (AF_PACKET, raw, 0)),
        ("vsock", "talk to the hypervisor", (AF_VSOCK, k.SOCK_STREAM, 0)),
        ("crypto-socket", "use the cryptography of the kernel", (AF_ALG, 5, 0)),
        ("netfilter", "talk to the firewall", (AF_NETLINK, raw, NETLINK_NETFILTER)),
    ):
        yield Experiment(name, group, tries, (("socket", arguments),))
    udp = ("socket", (inet, datagram, 0))
    tcp = ("socket", (inet, k.SOCK_STREAM, 0))
    yield Experiment(
        "route", group, "reach other machines",
        (udp, ("connect", (FIRST, FAR, len(FAR)))),
    )  # fmt: skip
    yield Experiment(
        "low-port", group, "listen at a port below 1024",
        (tcp, ("bind", (FIRST, LOW_PORT, len(LOW_PORT)))), (errno.EADDRINUSE,),
    )  # fmt: skip
    yield Experiment(
        "any-port", group, "listen at a port of the loopback",
        (tcp, ("bind", (FIRST, ANY_PORT, len(ANY_PORT)))),
    )  # fmt: skip
    yield Experiment(
        "mark-packets", group, "go past rules of the firewall, SO_MARK",
        (udp, ("setsockopt", (FIRST, k.SOL_SOCKET, SO_MARK, struct.pack("i", 1), 4))),
    )  # fmt: skip
    yield Experiment(
        "transparent", group, "use the address of another machine",
        (tcp, ("setsockopt", (FIRST, 0, IP_TRANSPARENT, struct.pack("i", 1), 4))),
    )  # fmt: skip
    yield Experiment(
        "configure-network", group, "change interfaces and routes", (("netlink", ()),)
    )
