"""A host of its own with a simulated Internet: ``unshare -n python -m`` this file.

It has a way out to another namespace, in which somebody tells every client its address;
a container at a bridge asks them, by IPv4 and by IPv6, and what they say is printed.  Then
the host and the other namespace, which has routes by it, ask the container.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pyroute2 import IPRoute

from shellplay.fences import REGISTRY
from shellplay.kernel.here import HERE
from shellplay.kernel.net_interfaces import bring_up
from shellplay.playground.playground import Playground

SERVER = """
import socket, sys
listener = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    connection, (address, *_) = listener.accept()
    connection.sendall(address.removeprefix("::ffff:").encode() + b"\\n")
    connection.close()
"""
CLIENT = """
import socket, sys
for address in sys.argv[1:]:
    try:
        socket.create_connection((address, 80), 1).close()
        print(address, "is reached")
    except OSError as error:
        print(address, "is not reached")
"""
ADDRESSES = (("198.51.100.{}", 24), ("2001:db8::{}", 64))
IFA_F_NODAD = 2


def main(*firewall: str) -> None:
    """Build the networks and the firewall, send requests, and print the answers."""
    bring_up(HERE, "lo")
    for rules in firewall:
        subprocess.run(["nft", rules], check=True)
    words = ["unshare", "-n", sys.executable, "-c", SERVER]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            server.stdout.readline()
            connect(server.pid)
            ask(server.pid)
        finally:
            server.kill()


def connect(pid: int) -> None:
    """Connect the network of a process to the simulated Internet."""
    with IPRoute() as route, IPRoute(netns=f"/proc/{pid}/ns/net") as other:
        with Path(f"/proc/{pid}/ns/net").open() as space:
            peer = {"ifname": "up1", "net_ns_fd": space.fileno()}
            route.link("add", ifname="up0", kind="veth", peer=peer)
        for link, name, number in ((other, "up1", 1), (route, "up0", 2)):
            [index] = link.link_lookup(ifname=name)
            link.link("set", index=index, state="up")
            for form, prefix in ADDRESSES:
                flags = IFA_F_NODAD if ":" in form else 0
                address = form.format(number)
                link.addr("add", index=index, address=address, prefixlen=prefix, flags=flags)
        for form, _ in ADDRESSES:
            route.route("add", dst="default" if "." in form else "::/0", gateway=form.format(1))


def ask(neighbour: int) -> None:
    """Print the answers to a container at the bridge, and the hosts that can reach it."""
    with Playground() as playground:
        box = playground.new()
        change = box.fence(REGISTRY["net"].parse({"mode": "bridge"}))
        for note in change.notes:
            if "firewall" in note:
                sys.stdout.write(f"{note}\n")
                subprocess.run(["nft", note.split("'")[1]], check=True)
        for form, _ in ADDRESSES:
            line = f"exec 3<>/dev/tcp/{form.format(1)}/80 && head -n 1 <&3; exec 3>&-"
            sys.stdout.write(box.run(line).output)
        # Not a web server: a web server first looks up its own name.
        box.run(f"exec 4< <(python3 -c '{SERVER}'); read -u 4")
        inside = [each.partition("/")[0] for each in box.network.addresses]
        beside = ["nsenter", f"--net=/proc/{neighbour}/ns/net"]
        for (form, _), address in zip(ADDRESSES, inside, strict=True):
            route = ["ip", "route", "add", address, "via", form.format(2)]
            subprocess.run([*beside, *route], check=True)
        for where in ([], beside):
            sys.stdout.flush()
            subprocess.run([*where, sys.executable, "-c", CLIENT, *inside], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
