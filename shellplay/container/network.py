"""The network of a container: its place at the bridge, its names, its published ports."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from shellplay.container.applied import AppliedFences
from shellplay.container.state import ContainerState
from shellplay.errors import KernelError, Refused, ShellplayError
from shellplay.fences.base.namespace import hold_namespace
from shellplay.fences.net import BRIDGE, NONE, PASTA, Net
from shellplay.kernel import namespaces
from shellplay.kernel import net_addresses as addresses
from shellplay.kernel.explain import explained
from shellplay.kernel.signals import deferred
from shellplay.model import Change, NamespaceId, VethPair
from shellplay.network import etc_hosts
from shellplay.network.bridge_client import BridgeClient
from shellplay.network.etc_files import EtcFiles

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller
    from shellplay.network.port import Port
    from shellplay.network.proxy import Published
    from shellplay.network.rootless import RootlessHelper

WITHOUT_MNT = "names are looked up as on the host, until mnt is fenced"


class Network:
    """What leads out of the net namespace of one container, and into it.

    All of it belongs to one namespace, and goes when bash is in it no more.
    """

    def __init__(
        self,
        state: ContainerState,
        applied: AppliedFences,
        bridge: BridgeClient,
        peers: Callable[[], list[Network]],
    ) -> None:
        self._state = state
        self._applied = applied
        self._peers = peers
        self._bridge = bridge
        self._files = EtcFiles()
        # Whether names are told inside also if nothing leads out of its network.
        self._always_named = False
        self._leg: VethPair | None = None
        self._way: RootlessHelper | None = None
        self._space: NamespaceId | None = None
        self._published: list[Published] = []
        self._closed: tuple[str, ...] = ()

    # -- what it is ----------------------------------------------------------------------

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses inside, as the kernel shows them; none if the network is the host's."""
        return addresses.addresses(self._state.pid) if self._own() else ()

    @property
    def ports(self) -> tuple[Port, ...]:
        """The ports of the host that lead inside."""
        return tuple(each.port for each in self._published)

    def _own(self) -> NamespaceId | None:
        """Return the network that bash is in, None if it is the host's."""
        found = None if self._state.dead else namespaces.identify(self._state.pid, "net")
        return found if found != namespaces.identify("self", "net") else None

    # -- with the fences -----------------------------------------------------------------

    def prestart(self) -> None:
        """Start what a bridge takes, if it can be had, while something else is being done."""
        self._bridge.prestart()

    def refreshed(self, change: Change) -> Change:
        """Refresh the network after a change of fences; return the change with its notes."""
        return change.changed(notes=(*change.notes, *self.refresh()))

    def furnish(self, fence: Net, pid: int) -> tuple[str, ...]:
        """Give the network of a process what a net fence has; return sentences about it.

        Raises Refused, and then nothing has changed.
        """
        space = namespaces.identify(pid, "net")
        if space is None or space == namespaces.identify("self", "net"):
            # Whatever went wrong: an interface of the host's own is not what was asked for.
            raise ShellplayError("the kernel does not show a network that is not the host's")
        try:
            match fence.mode:
                case mode if mode == BRIDGE:
                    notes = self._attach(pid, fence.subnet)
                case mode if mode == PASTA:
                    from shellplay.network import rootless

                    self._way = rootless.start_helper(self._state.monitor, pid)
                    notes = (f"{self._way.program} leads out",)
                case _:
                    return ()
        except KernelError as error:
            raise explained(error, f"net {fence.mode}", pid) from error
        self._space = space
        return notes

    def _attach(self, pid: int, subnet: str | None) -> tuple[str, ...]:
        with hold_namespace(pid, "net") as space:
            self._leg = leg = self._bridge.attach(space.fd, subnet)
        told = f"{leg.interface} at {self._bridge.bridge}: {', '.join(leg.addresses)}"
        _, without_server = etc_hosts.resolv(None)
        return (told, *leg.notes, *([without_server] if without_server else []))

    def refresh(self) -> tuple[str, ...]:
        """Fit names to the network and the mounts that bash is in; return sentences."""
        self.detach_if_unused()
        self._tell_everybody()
        closed, self._closed = self._closed, ()
        try:
            return (*closed, *self._fit_names())
        except KernelError as error:
            return (*closed, f"the names inside are not what they should be: {error.message}")

    def name(self, hostname: str, first: Caller) -> tuple[str, ...]:
        """Have files for names inside wherever its network leads to, as Docker has them.

        They are mounted by the first process, and it is said which are not; ``refresh`` fills
        them.
        """
        self._always_named = True
        self._files.write(etc_hosts.HOSTNAME, f"{hostname}\n")
        return self._files.mount_by(first)

    def _tell_alone(self) -> None:
        alone = self._own() is not None
        text = etc_hosts.hosts((), ()) if alone else etc_hosts.read_host_file(etc_hosts.HOSTS)
        self._files.write(etc_hosts.HOSTS, text)
        self._files.write(etc_hosts.RESOLV, etc_hosts.read_host_file(etc_hosts.RESOLV))

    def _fit_names(self) -> tuple[str, ...]:
        pid, monitor = self._state.pid, self._state.monitor
        if self._state.dead:
            return ()
        if self._anchor() is None:
            if not self._always_named:
                self._files.unmount(monitor, pid)
                return ()
            self._tell_alone()
        if namespaces.identify(pid, "mnt") == namespaces.identify("self", "mnt"):
            return ()  # Those are the host's files.
        return self._files.mount(monitor, pid)

    def detach_if_unused(self) -> None:
        """Let go of what belongs to a network that bash is in no more."""
        if self._state.dead:
            self._files.close()
        if self._space is None or self._own() == self._space:
            return
        for each in self._published:
            each.process.end()
            self._closed += (f"{each.port} is closed",)
        self._published.clear()
        self._let_go()
        self._space = None
        self._tell_everybody()

    def _let_go(self) -> None:
        leg, way, self._leg, self._way = self._leg, self._way, None, None
        if way is not None:
            way.process.end()
        if leg is not None:
            self._bridge.detach(leg.link)

    # -- names ---------------------------------------------------------------------------

    def _anchor(self) -> Network | None:
        """Return whose way out of its network bash has: its own, or one that it shares."""
        leading = self._leading()
        own = self._own() if leading else None
        return next((each for each in leading if each._space == own), None)

    def _leading(self) -> list[Network]:
        """Return those that have a way out."""
        return [each for each in self._all() if each._leg or each._way]

    def _all(self) -> list[Network]:
        """Return the networks of all containers; this one may still be starting."""
        return [self, *(each for each in self._peers() if each is not self)]

    def _tell_everybody(self) -> None:
        """Write the names of all to those who are at the bridge, or have another way out."""
        leading = self._leading()
        if not leading:
            return
        inside: dict[NamespaceId | None, list[Network]] = {}
        for peer in self._all():
            inside.setdefault(peer._own(), []).append(peer)
        lines = {each._space: each._lines(inside.get(each._space, [])) for each in leading}
        at_bridge = {each._space for each in leading if each._leg}
        for each in leading:
            seen = at_bridge if each._leg else {each._space}
            others = [line for space in seen - {each._space} for line in lines[space]]
            text = etc_hosts.hosts(lines[each._space], sorted(others))
            server = each._way.name_server if each._way else None
            resolv = etc_hosts.resolv(server)[0]
            for peer in inside.get(each._space, []):
                peer._files.write(etc_hosts.HOSTS, text)
                peer._files.write(etc_hosts.RESOLV, resolv)

    def _lines(self, sharing: list[Network]) -> list[str]:
        """Return what /etc/hosts has of the containers in this network."""
        called = dict.fromkeys(name for each in sharing for name in each._names())
        found = self._leg.addresses if self._leg else self.addresses
        return [etc_hosts.line(each, list(called)) for each in found]

    def _names(self) -> tuple[str, str]:
        return self._state.label, self._state.id

    # -- changed while it runs -----------------------------------------------------------

    def connect(self) -> tuple[str, ...]:
        """Lead an interface of the bridge into the network inside; raises Refused."""
        with deferred(), self._state.attended():
            fence = self._require_net()
            if (anchor := self._anchor()) is not None:
                whose = self._state.label if anchor is self else anchor._state.label
                raise Refused(f"the network of {whose} is connected already", "disconnect")
            connected = fence.changed(mode=BRIDGE, join=None)
            self._bridge.require()
            notes = self.furnish(connected, self._state.pid)
            self._applied.change(connected)
            if "mnt" not in self._applied:
                notes = (*notes, WITHOUT_MNT)
            return (*notes, *self.refresh())

    def disconnect(self) -> None:
        """Take that interface away again; raises Refused if there is none."""
        with deferred(), self._state.attended():
            fence = self._require_net()
            if self._leg is None:
                raise Refused(f"{self._state.label} is not connected to the bridge", "connect")
            self._let_go()
            self._applied.change(fence.changed(mode=NONE, subnet=None))
            self.refresh()

    def publish(self, text: str) -> Port:
        """Have a port of the host lead to one inside, [ADDRESS:]HOST:INSIDE[/udp].

        Returns it with its number; raises UsageError and Refused.
        """
        with deferred(), self._state.attended():
            return self.open_port(text)

    def open_port(self, text: str) -> Port:
        """Do so for who deals with the container already, as when it starts."""
        # Loaded here: few containers publish a port.
        from shellplay.network import proxy
        from shellplay.network.port import Port

        port = Port.parse(text)
        self._require_net()
        published = proxy.publish(self._state.monitor, port, self._state.pid)
        self._published.append(published)
        self._space = self._own()
        return published.port

    def unpublish(self, text: str) -> tuple[Port, ...]:
        """Close the published ports that a text means, with every connection; or Refused."""
        with deferred(), self._state.attended():
            self._state.require_alive()
            found = [each for each in self._published if text in each.port.spellings]
            if not found:
                listed = ", ".join(each.socket_address for each in self.ports)
                fix = f"published are: {listed}" if listed else f"publish {text}"
                raise Refused(f"{self._state.label} does not publish {text}", fix)
            for each in found:
                self._published.remove(each)
                each.process.end()
            return tuple(each.port for each in found)

    def _require_net(self) -> Net:
        self._state.require_alive()
        applied = self._applied.find("net")
        if applied is None or self._own() is None:
            raise Refused("the network of bash is the host's", "fence net bridge, or fence net")
        assert isinstance(applied.fence, Net)
        return applied.fence
