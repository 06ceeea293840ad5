"""A host of its own with a hostile container at its bridge: ``unshare -n python -m`` this file.

What the container sends is printed by what it has changed on that host, one word a line.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.kernel.here import HERE
from shellplay.kernel.net_interfaces import bring_up
from shellplay.playground.playground import Playground
from tests.waiting import wait_until

EVIL = "20010db80bad"
# A router advertisement (RFC 4861): a router for half an hour, and a prefix of addresses.
ADVERTISE = f"""
import socket, struct
index = socket.if_nametoindex("eth0")
prefix = bytes.fromhex("{EVIL:0<32}")
message = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
message += struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 0xFFFFFFFF, 0xFFFFFFFF, 0) + prefix
sender = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
sender.sendto(message, ("ff02::1", 0, 0, index))
"""
# An answer shows that what was sent before has been dealt with.
KNOCK = (
    'python3 -c "import socket; socket.create_connection((\\"{}\\", 9), 5)" 2>&1 | tail -n 1'
)
SPOOF = """
import socket
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.bind(("203.0.113.7", 0))
sender.sendto(b"from nowhere", ("{}", 5353))
"""
# Of a bridge: what may come in there and change how the host sends.
CLOSED = {
    "ipv6/conf/{}/accept_ra": "0",
    "ipv6/conf/{}/autoconf": "0",
    "ipv6/conf/{}/accept_redirects": "0",
    "ipv4/conf/{}/accept_redirects": "0",
    "ipv4/conf/{}/send_redirects": "0",
    "ipv4/conf/{}/rp_filter": "1",
}


def main() -> None:
    """Build it, have the container attack, and print what came of that."""
    bring_up(HERE, "lo")
    with Playground() as playground:
        box = playground.new()
        box.fence(REGISTRY["net"].parse({"mode": "bridge"}))
        [_, (bridge, *_), *_] = map(str.split, lines("/proc/net/route"))
        advertise(box)
        settings(bridge)
        ports(bridge)
        spoof(box)


def advertise(box: Container) -> None:
    """Have a container say that it is a router; print what the host believes of it."""
    wait_until(lambda: "fe80" in box.run("cat /proc/net/if_inet6").output, "a local address")
    tentative = "awk '$4 == \"20\" && $5 ~ /[4-7c-f]./' /proc/net/if_inet6"
    wait_until(lambda: not box.run(tentative).output, "that nobody else has it")
    attack(box, ADVERTISE)
    knock(box)
    if EVIL in Path("/proc/net/if_inet6").read_text():
        sys.stdout.write("address\n")
    routes = [each.split() for each in lines("/proc/net/ipv6_route")]
    if any(each[0] == "0" * 32 and each[1] == "00" and each[-1] != "lo" for each in routes):
        sys.stdout.write("route\n")


def attack(box: Container, text: str) -> None:
    """Run a script of Python in a container to its end."""
    done = box.run(f"python3 -c '{text}'")
    assert done.status == 0, done.output


def knock(box: Container) -> None:
    """Wait until the host has dealt with all that a container has sent so far."""
    box.run(KNOCK.format(_gateway(box)))


def settings(bridge: str) -> None:
    """Print which settings of a bridge let its neighbours change the host."""
    for path, wanted in CLOSED.items():
        if Path("/proc/sys/net", path.format(bridge)).read_text().strip() != wanted:
            sys.stdout.write(f"setting {path.format('bridge')}\n")


def ports(bridge: str) -> None:
    """Print whether the host has addresses at the ports of a bridge."""
    names = {name for _, name in socket.if_nameindex()} - {"lo", bridge}
    if any(each.split()[-1] in names for each in lines("/proc/net/if_inet6")):
        sys.stdout.write("port\n")


def spoof(box: Container) -> None:
    """Have a container send from an address that is not its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host:
        host.bind(("0.0.0.0", 5353))
        host.setblocking(False)
        box.run("ip address add 203.0.113.7/32 dev eth0")
        attack(box, SPOOF.format(_gateway(box)))
        knock(box)
        try:
            host.recv(100)
        except BlockingIOError:
            return
    sys.stdout.write("spoofed\n")


def lines(path: str) -> list[str]:
    """Return the lines of a file."""
    return Path(path).read_text().splitlines()


def _gateway(box: Container) -> str:
    return box.run("ip -4 route show default").output.split()[2]


if __name__ == "__main__":
    main()
