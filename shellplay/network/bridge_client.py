"""The client of the bridge process: start it, send it requests, and end it."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from shellplay.errors import KernelError, Refused, ShellplayError
from shellplay.kernel import python_child
from shellplay.kernel.here import HERE
from shellplay.kernel.poll import readable
from shellplay.kernel.signals import deferred
from shellplay.model import VethPair

ANSWER_SIZE = 65536
# Longer than the process itself waits for the network of the host.
ANSWER_SECONDS, ENDING_SECONDS = 60.0, 60.0


class BridgeClient:
    """Starts the bridge process when a container first needs the bridge, and sends requests.

    ``bridge`` is the name of the bridge interface, None as long as there is none.
    """

    def __init__(self) -> None:
        self.bridge: str | None = None
        self._pid: int | None = None
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    @staticmethod
    def require() -> str:
        """Return the directory of pyroute2; raises Refused if there can be no bridge."""
        if os.geteuid() != 0:
            raise Refused("a bridge on the host takes root", "fence net pasta")
        # Loaded here: most containers have no bridge.
        from importlib.util import find_spec

        spec = find_spec("pyroute2")
        if spec is None or spec.origin is None:
            raise Refused("a bridge takes pyroute2", "pip install 'shellplay[net]'")
        return os.path.dirname(os.path.dirname(spec.origin))

    @staticmethod
    def missing() -> Refused | None:
        """Return the reason why this machine cannot have a bridge, None if it can."""
        try:
            BridgeClient.require()
        except Refused as error:
            return error
        from shellplay.kernel import nftables

        if reason := nftables.refusal():
            return Refused(
                f"this kernel has no nftables: {reason}", "modprobe nf_tables, as root"
            )
        return None

    def prestart(self) -> None:
        """Start the process early, as it takes 250 ms, and ignore that it may be refused."""
        # If it is refused now, ``attach`` is refused too, and reports it.
        with self._lock, suppress(Refused):
            if self._socket is None:
                self._start()

    def attach(
        self,
        namespace: int,
        subnet: str | None,
        addresses: Sequence[str] = (),
        mac: str | None = None,
        *,
        isolated: bool = False,
    ) -> VethPair:
        """Connect a network namespace (descriptor) to the bridge by a veth pair.

        ``subnet`` is the IPv4 network of the bridge, None for any; ``addresses`` and ``mac``
        are those to have inside.  An ``isolated`` network reaches its neighbours only.  Raises
        Refused, KernelError, and ShellplayError if the bridge process was killed.
        """
        wanted = {"addresses": list(addresses), "mac": mac, "isolated": isolated}
        request = {"attach": subnet, **wanted}
        answer = self._request_or_raise(request, namespace)
        self.bridge = answer["bridge"]
        pair = answer["pair"]
        lists = {name: tuple(pair[name]) for name in ("addresses", "gateways", "notes")}
        return VethPair(pair["link"], pair["interface"], **lists)

    def detach(self, host_end: str) -> None:
        """Remove a veth pair by its host end."""
        with deferred(), self._lock:
            if self._socket is not None and self._exchange({"detach": host_end}) is None:
                self._restart()

    def close(self) -> None:
        """End the bridge process, and wait until it has removed the bridge."""
        with self._lock:
            if self._socket is None:
                return
            if self._close_and_wait() != 0:
                # The process was killed before it could remove its bridge: a new one does it.
                self._start()
                self._exchange({"remove_stale": True})
                self._close_and_wait()

    def _request_or_raise(self, request: dict[str, Any], *fds: int) -> dict[str, Any]:
        with deferred(), self._lock:
            if self._socket is None:
                self._start()
            answer = self._exchange(request, *fds)
            if answer is None:
                self._restart()
                raise ShellplayError(
                    "the process with the bridge was ended, and the bridge with it",
                    "disconnect, and connect",
                )
        match answer:
            case {"kernel": [call, number, subject, fix]}:
                raise KernelError(call, number, subject, fix)
            case {"refused": [message, fix]}:
                raise Refused(message, fix)
        return answer

    def _restart(self) -> None:
        """Start a new process after the old one was killed; it removes the old bridge."""
        self._close_and_wait()
        self._start()
        self._exchange({"remove_stale": True})

    def _exchange(self, request: dict[str, Any], *fds: int) -> dict[str, Any] | None:
        # Imported here: most playgrounds have no bridge.
        import json

        assert self._socket is not None
        try:
            # What it wrote before it ended can still be read.
            with suppress(BrokenPipeError):
                socket.send_fds(self._socket, [json.dumps(request).encode()], fds)
            answer = self._socket.recv(ANSWER_SIZE)
        except OSError:
            return None
        if answer and not answer.startswith(b"{"):
            self._close_and_wait()
            reason = answer.decode(errors="replace")
            raise ShellplayError(f"the process for the bridge could not start: {reason}")
        reply: dict[str, Any] | None = json.loads(answer) if answer else None
        return reply

    def _start(self) -> None:
        packages = self.require()
        own_end, child_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with child_end:
            self._pid = python_child.start(
                "shellplay.network.bridge_process",
                [],
                [child_end.fileno()],
                os.environ,
                packages=[packages],
            )
        try:
            self._pidfd = HERE.pidfd_open(self._pid)
        except KernelError:
            own_end.close()
            python_child.end(self._pid)
            raise
        own_end.settimeout(ANSWER_SECONDS)
        self._socket = own_end

    def _close_and_wait(self) -> int:
        """Let the process end, and return its exit status; kill it if it does not end."""
        assert self._socket is not None
        assert self._pid is not None
        self._socket.close()
        self._socket = self.bridge = None
        if not readable(self._pidfd, ENDING_SECONDS):
            HERE.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        os.close(self._pidfd)
        _, status = os.waitpid(self._pid, 0)
        return os.waitstatus_to_exitcode(status)
