"""A network namespace that stands for the host, so that a neighbour's bridge is elsewhere.

Interfaces, tables of nftables, forwarding and ports belong to a network namespace.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shellplay.kernel import constants as k
from shellplay.kernel import namespaces
from shellplay.kernel.here import HERE
from shellplay.kernel.net_interfaces import bring_up

# A way out that leads nowhere: the host has one, so a bridge has somebody to forward to.
UPLINK = """
link add up0 type veth peer name up1
link set up0 up
addr add 198.51.100.2/24 dev up0
route add default via 198.51.100.1
"""


@contextmanager
def network_apart() -> Iterator[None]:
    """Have this process live in a network of its own for the ``with`` block."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        HERE.unshare(k.CLONE_NEWNET)
        # A process asks for its own namespaces once, because shellplay never moves itself.
        namespaces._own.cache_clear()
        try:
            bring_up(HERE, "lo")
            Path("/proc/sys/net/ipv4/ip_forward").write_text("0")
            subprocess.run(["ip", "-batch", "-"], input=UPLINK, text=True, check=True)
            yield
        finally:
            HERE.setns(home, k.CLONE_NEWNET, of="the network of the host")
            namespaces._own.cache_clear()
    finally:
        os.close(home)
