"""The sysctls of a bridge and of its ports, so that no container configures the host."""

from __future__ import annotations

from collections.abc import Mapping

from shellplay.kernel.proc_write import write
from shellplay.network.forwarding import SYSCTLS

# Without these settings a router advertisement from a container would give the host a route and
# an address (CVE-2020-13401), and an ICMP redirect would change a route.  The kernel listens as
# soon as a link is up, so the settings come before that.  See ip-sysctl.rst of the kernel.
BRIDGE = {
    "ipv4/conf/{}/accept_redirects": "0",
    "ipv4/conf/{}/send_redirects": "0",
    "ipv4/conf/{}/rp_filter": "1",
    "ipv6/conf/{}/accept_ra": "0",
    "ipv6/conf/{}/accept_redirects": "0",
    "ipv6/conf/{}/autoconf": "0",
}
# A port of a bridge needs no address, and would get a link-local one.
PORT = {**BRIDGE, "ipv6/conf/{}/disable_ipv6": "1"}


def apply(settings: Mapping[str, str], interface: str) -> None:
    """Write sysctls of an interface; a host without IPv6 does not have all of them."""
    for name, value in settings.items():
        path = SYSCTLS / name.format(interface)
        if path.exists():
            write(path, value)
