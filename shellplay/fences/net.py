"""The net fence: a network of its own, with nothing but a loopback in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shellplay.fences.namespace import Namespace

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller


@dataclass(frozen=True)
class Net(Namespace, kind="net", man="network_namespaces(7)"):
    """Interfaces, addresses, routes, ports and abstract sockets of the host.

    The loopback is brought up.  A socket that is open already stays where it was made.
    """

    def settle(self, caller: Caller) -> None:
        """Bring the loopback up."""
        caller.bring_up("lo")
