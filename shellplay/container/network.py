"""The network of a container: its veth at the bridge, its names, its published ports."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from shellplay.container.applied import AppliedFences
from shellplay.container.spec import HOST_GATEWAY
from shellplay.container.state import ContainerState
from shellplay.errors import KernelError, Refused, ShellplayError
from shellplay.fences.base.namespace import hold_namespace
from shellplay.fences.net import BRIDGE, NONE, PASTA, Net
from shellplay.fences.uts import Uts
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

LOOPBACK = "127.0.0.1"
WITHOUT_MNT = "names are looked up as on the host, until mnt is fenced"


class Network:
    """The ways out of the net namespace of one container, and into it.

    All of them belong to one namespace, and end when bash has left it.  ``peers`` returns the
    networks of all containers.
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
        # Whether /etc/hosts is written also without a way out of the network.
        self._always_named = False
        self._hostname: str | None = None
        self._veth: VethPair | None = None
        self._helper: RootlessHelper | None = None
        self._owned: NamespaceId | None = None
        self._published: list[Published] = []
        self._closed: tuple[str, ...] = ()

    # -- what it is ----------------------------------------------------------------------

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses inside, as the kernel shows them; none if the network is the host's."""
        return addresses.addresses(self._state.pid) if self._namespace() else ()

    @property
    def hostname(self) -> str:
        """The host name inside, as it was set."""
        applied = self._applied.find("uts")
        named = applied.fence.hostname if applied and isinstance(applied.fence, Uts) else None
        return self._hostname or named or os.uname().nodename

    @property
    def ports(self) -> tuple[Port, ...]:
        """The ports of the host that lead inside."""
        return tuple(each.port for each in self._published)

    def _namespace(self) -> NamespaceId | None:
        """Return the net namespace of bash, None if it is the host's."""
        found = None if self._state.dead else namespaces.identify(self._state.pid, "net")
        return found if found != namespaces.identify("self", "net") else None

    # -- with the fences -----------------------------------------------------------------

    def prestart(self) -> None:
        """Start the bridge process, if there can be one, beside other work."""
        self._bridge.prestart()

    def refreshed(self, change: Change) -> Change:
        """Refresh the network after a change of fences; return the change with its notes."""
        notes = self.refresh()
        return change.changed(notes=(*change.notes, *notes)) if notes else change

    def led_out(self, change: Change, net: Net, peel: Callable[..., Change]) -> Change:
        """Give a new network a way out; without one its fences are removed again."""
        try:
            notes = self.open_way_out(net, self._state.pid)
            return change.changed(notes=(*change.notes, *notes))
        except ShellplayError:
            for kind in (net.kind, *(each.fence for each in reversed(change.first))):
                peel(kind, force=False)
            raise

    def open_way_out(self, fence: Net, pid: int) -> tuple[str, ...]:
        """Give the network of a process the way out of a net fence; return sentences.

        Raises Refused, and then nothing has changed.
        """
        space = namespaces.identify(pid, "net")
        if space is None or space == namespaces.identify("self", "net"):
            # Without this check an error would put the interface into the network of the host.
            raise ShellplayError("the kernel does not show a network that is not the host's")
        try:
            match fence.mode:
                case mode if mode == BRIDGE:
                    notes = self._attach(pid, fence)
                case mode if mode == PASTA:
                    from shellplay.network import rootless

                    self._helper = rootless.start_helper(self._state.monitor, pid)
                    notes = (f"{self._helper.program} leads out",)
                case _:
                    return ()
        except KernelError as error:
            raise explained(error, f"net {fence.mode}", pid) from error
        self._owned = space
        return notes

    def _attach(self, pid: int, fence: Net) -> tuple[str, ...]:
        with hold_namespace(pid, "net") as space:
            wanted = self._state.endpoint
            self._veth = veth = self._bridge.attach(
                space.fd, fence.subnet, wanted.addresses, wanted.mac, isolated=fence.isolated
            )
        told = f"{veth.interface} at {self._bridge.bridge}: {', '.join(veth.addresses)}"
        _, without_server = etc_hosts.resolv(None)
        served = fence.isolated or self._state.names.servers
        missing = [without_server] if without_server and not served else []
        return (told, *veth.notes, *missing)

    def refresh(self) -> tuple[str, ...]:
        """Write names for the present network and mount them; return sentences."""
        self.detach_if_unused()
        self._write_names()
        closed, self._closed = self._closed, ()
        try:
            return (*closed, *self._mount_names())
        except KernelError as error:
            return (*closed, f"the names inside are not what they should be: {error.message}")

    def name(self, hostname: str, first: Caller) -> dict[str, int]:
        """Make /etc/hosts, resolv.conf and hostname, as Docker does in any network.

        ``refresh`` writes them.  Returns detached mounts, descriptors of the ``first``
        process, by path.
        """
        self._always_named = True
        self._hostname = hostname
        self._files.write(etc_hosts.HOSTNAME, f"{hostname}\n")
        return self._files.stage_by(first)

    def _write_own_names(self) -> None:
        alone = self._namespace() is not None
        text = etc_hosts.hosts((), ()) if alone else etc_hosts.read_host_file(etc_hosts.HOSTS)
        self._write(text, etc_hosts.read_host_file(etc_hosts.RESOLV))

    def _mount_names(self) -> tuple[str, ...]:
        pid, monitor = self._state.pid, self._state.monitor
        if self._state.dead:
            return ()
        if self._shared_way_out() is None:
            if not self._always_named:
                self._files.unmount(monitor, pid)
                return ()
            self._write_own_names()
        if namespaces.identify(pid, "mnt") == namespaces.identify("self", "mnt"):
            return ()  # The mount would show on the host.
        return self._files.mount(monitor, pid)

    def detach_if_unused(self) -> None:
        """Close ports and ways out of a network that bash has left."""
        if self._state.dead:
            self._files.close()
        if self._owned is None or self._namespace() == self._owned:
            return
        for each in self._published:
            each.process.end()
            self._closed += (f"{each.port} is closed",)
        self._published.clear()
        self._let_go()
        self._owned = None
        self._write_names()

    def _let_go(self) -> None:
        veth, helper, self._veth, self._helper = self._veth, self._helper, None, None
        if helper is not None:
            helper.process.end()
        if veth is not None:
            self._bridge.detach(veth.link)

    # -- names ---------------------------------------------------------------------------

    def _shared_way_out(self) -> Network | None:
        """Return the container whose way out bash uses: this one, or one it shares with."""
        leading = self._with_way_out()
        own = self._namespace() if leading else None
        return next((each for each in leading if each._owned == own), None)

    def _with_way_out(self) -> list[Network]:
        """Return the networks that have a way out."""
        return [each for each in self._all() if each._veth or each._helper]

    def _all(self) -> list[Network]:
        """Return the networks of all containers; this one may still be starting."""
        return [self, *(each for each in self._peers() if each is not self)]

    def _write_names(self) -> None:
        """Write /etc/hosts and resolv.conf of every container that has a way out."""
        leading = self._with_way_out()
        if not leading:
            return
        inside: dict[NamespaceId | None, list[Network]] = {}
        for peer in self._all():
            inside.setdefault(peer._namespace(), []).append(peer)
        sharing = {each._owned: inside.get(each._owned, []) for each in leading}
        lines = {each._owned: each._lines(sharing[each._owned]) for each in leading}
        at_bridge = {each._owned for each in leading if each._veth}
        for each in leading:
            seen = at_bridge if each._veth else {each._owned}
            others = [line for space in seen - {each._owned} for line in lines[space]]
            own = each._lines(sharing[each._owned], each._own_names())
            text = etc_hosts.hosts(own, sorted(others))
            server = each._helper.name_server if each._helper else None
            resolv = etc_hosts.resolv(server)[0]
            for peer in sharing[each._owned]:
                peer._write(text, resolv)

    def _write(self, hosts: str, resolv: str) -> None:
        """Write the names of its network, and those that were asked for this container."""
        names = self._state.names
        lines = [*self._asked_hosts(), *self._linked_hosts()]
        self._files.write(etc_hosts.HOSTS, etc_hosts.with_lines(hosts, lines))
        text = etc_hosts.changed(resolv, names.servers, names.searches, names.options)
        self._files.write(etc_hosts.RESOLV, text)

    def require_names(self) -> None:
        """Raise Refused if a name was asked for that has no address."""
        for name, address in self._state.names.hosts:
            if address == HOST_GATEWAY and self._host_address() is None:
                raise Refused(
                    f"--add-host {name}: no address leads from this network to the host",
                    "--network bridge, or an address in the place of host-gateway",
                )
        for container, _ in self._state.names.links:
            self._state.find_peer(container).require_alive()

    def _asked_hosts(self) -> Iterator[str]:
        for name, address in self._state.names.hosts:
            found = self._host_address() if address == HOST_GATEWAY else address
            if found is not None:
                yield etc_hosts.line(found, [name])

    def _host_address(self) -> str | None:
        """Return the address at which it reaches the host, None if there is none."""
        if self._namespace() is None:
            return LOOPBACK
        sharer = self._shared_way_out()
        gateways = sharer._veth.gateways if sharer and sharer._veth else ()
        return next(iter(gateways), None)

    def _linked_hosts(self) -> Iterator[str]:
        by_name = {name: peer for peer in self._all() for name in peer._names()}
        for container, alias in self._state.names.links:
            if (peer := by_name.get(container)) is not None:
                for address in peer.addresses:
                    yield etc_hosts.line(address, [alias, container])

    def _lines(self, sharing: list[Network], own: Sequence[str] = ()) -> list[str]:
        """Return the lines of /etc/hosts for the containers in this network.

        The names of its ``own`` are for itself: a host name may be any, that of a peer too.
        """
        called = dict.fromkeys((*own, *(name for each in sharing for name in each._names())))
        found = self._veth.addresses if self._veth else self.addresses
        return [etc_hosts.line(each, list(called)) for each in found]

    def _names(self) -> tuple[str, ...]:
        return self._state.label, self._state.id, *self._state.names.aliases

    def _own_names(self) -> tuple[str, ...]:
        """Return its host name, and the first part of that, as gethostname(2) tells them."""
        if self._hostname is None:
            return ()
        return self._hostname, self._hostname.partition(".")[0]

    # -- changed while it runs -----------------------------------------------------------

    def connect(self) -> tuple[str, ...]:
        """Attach an interface at the bridge to the network inside; raises Refused."""
        with deferred(), self._state.attended():
            fence = self._require_net()
            if (sharer := self._shared_way_out()) is not None:
                whose = self._state.label if sharer is self else sharer._state.label
                raise Refused(f"the network of {whose} is connected already", "disconnect")
            connected = fence.changed(mode=BRIDGE, join=None)
            self._bridge.require()
            notes = self.open_way_out(connected, self._state.pid)
            self._applied.change(connected)
            if "mnt" not in self._applied:
                notes = (*notes, WITHOUT_MNT)
            return (*notes, *self.refresh())

    def disconnect(self) -> None:
        """Remove that interface; raises Refused if there is none."""
        with deferred(), self._state.attended():
            fence = self._require_net()
            if self._veth is None:
                raise Refused(f"{self._state.label} is not connected to the bridge", "connect")
            self._let_go()
            self._applied.change(fence.changed(mode=NONE, subnet=None, isolated=False))
            self.refresh()

    def publish(self, text: str) -> Port:
        """Publish one port inside on the host, [ADDRESS:]HOST:INSIDE[/udp].

        Returns it with its number on the host; raises UsageError and Refused.
        """
        return self.publish_range(text)[0]

    def publish_range(self, text: str) -> tuple[Port, ...]:
        """Publish ports as ``publish`` does; HOST and INSIDE may be ranges.

        If one of them cannot be opened, none is.
        """
        from shellplay.network.port_range import choices

        with deferred(), self._state.attended():
            opened: list[Port] = []
            try:
                opened.extend(map(self.open_first, choices(text)))
            except ShellplayError:
                self._close([each for each in self._published if each.port in opened])
                raise
            return tuple(opened)

    def open_first(self, choice: Sequence[Port]) -> Port:
        """Publish the first of some ports that is free; raises Refused if none is.

        The container is attended, or it is starting.
        """
        from shellplay.network.port import PortTaken

        *others, last = choice
        for port in others:
            with suppress(PortTaken):
                return self._open_port(port)
        return self._open_port(last)

    def _open_port(self, port: Port) -> Port:
        # Loaded here: few containers publish a port.
        from shellplay.network import proxy

        self._require_net()
        published = proxy.publish(self._state.monitor, port, self._state.pid)
        self._published.append(published)
        self._owned = self._namespace()
        return published.port

    def unpublish(self, text: str) -> tuple[Port, ...]:
        """Close the published ports of a spelling, with every connection; raises Refused."""
        with deferred(), self._state.attended():
            self._state.require_alive()
            found = [each for each in self._published if text in each.port.spellings]
            if not found:
                listed = ", ".join(each.socket_address for each in self.ports)
                fix = f"published are: {listed}" if listed else f"publish {text}"
                raise Refused(f"{self._state.label} does not publish {text}", fix)
            self._close(found)
            return tuple(each.port for each in found)

    def _close(self, ports: Sequence[Published]) -> None:
        for each in ports:
            self._published.remove(each)
            each.process.end()

    def _require_net(self) -> Net:
        self._state.require_alive()
        applied = self._applied.find("net")
        if applied is None or self._namespace() is None:
            raise Refused("the network of bash is the host's", "fence net bridge, or fence net")
        assert isinstance(applied.fence, Net)
        return applied.fence
