"""The net fence: a network namespace with a loopback alone, or with a way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from shellplay.errors import UsageError
from shellplay.fences.base.fence import option
from shellplay.fences.base.namespace import Namespace
from shellplay.kernel.net_addresses import addresses
from shellplay.kernel.net_interfaces import bring_up, interfaces

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller
    from shellplay.kernel.procfs import Status

NONE, BRIDGE, PASTA = "none", "bridge", "pasta"
# What each mode does on the host.
ON_HOST = {
    BRIDGE: "makes a bridge, interfaces and firewall rules",
    PASTA: "starts a program that leads out of the network",
}


class Net(Namespace, kind="net", man="network_namespaces(7)", aliases=("network",)):
    """Gives bash a network of its own: interfaces, routes, ports, abstract sockets.

    It has only a loopback, which is up.  A socket that is open already stays in the old
    network.  ``net bridge`` adds an interface on a bridge of the host, with addresses, a way
    to other networks and the names of the other containers.  ``net pasta`` adds a way to
    other networks without root.  With either, services of the host can be reached at its
    own addresses, as in Docker.  ``net bridge isolated`` reaches only the other containers
    at the bridge: no service of the host, and no other network.
    """

    trial = "in ip address"

    blind = True

    mode: str = option(
        "how it reaches other networks",
        host=ON_HOST,
        choices=(NONE, BRIDGE, PASTA),
        default=NONE,
        bare=True,
    )
    subnet: str | None = option(
        "the addresses of the bridge", host=None, metavar="RANGE", default=None
    )

    isolated: bool = option(
        "reach only the containers at the bridge", host=None, default=False, bare=True
    )

    def _check(self) -> None:
        if self.isolated and self.mode != BRIDGE:
            raise UsageError("isolated is for net bridge", "fence net bridge isolated")
        if self.join is not None and self.mode != NONE:
            raise UsageError(
                f"net {self.mode} has a network of its own, and join= shares another's",
                "leave one out",
            )
        if self.subnet is not None:
            if self.mode != BRIDGE:
                raise UsageError("subnet= is for net bridge", "fence net bridge subnet=RANGE")
            from shellplay.network import subnets

            subnets.parse(self.subnet)

    @property
    def needs(self) -> tuple[str, ...]:
        """Return mnt if it writes /etc/hosts and /etc/resolv.conf for the container."""
        return () if self.mode == NONE else ("mnt",)

    def prepared(self, status: Status) -> tuple[Self, tuple[str, ...]]:
        """Check that the way out is installed and allowed; raises Refused."""
        # Loaded here: only a way out needs these.
        if self.mode == BRIDGE:
            from shellplay.network.bridge_client import BridgeClient

            BridgeClient.require()
        elif self.mode == PASTA:
            from shellplay.network import rootless

            rootless.require()
        return self, ()

    def contents(self, pid: int) -> str:
        """Say which interfaces and addresses there are."""
        names = interfaces(pid)
        if names == ["lo"]:
            return "lo, and no way out"
        found = addresses(pid)
        return ", ".join(names) + (f" ({found[0]})" if found else "")

    def configure(self, caller: Caller) -> None:
        """Bring the loopback up."""
        bring_up(caller, "lo")
