"""The client of the bridge process: start it, send it requests, and end it."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from typing import Any

from shellplay.errors import KernelError, Refused, ShellplayError
from shellplay.kernel import interpreter
from shellplay.kernel.signals import deferred
from shellplay.model import VethPair
from shellplay.monitor.client import PACKAGE_ROOT

ANSWER_SIZE = 65536
PROGRAM = (
    "import sys; sys.path[:0] = sys.argv[2:]; "
    "from shellplay.network.bridge_process import main; main(int(sys.argv[1]))"
)


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

    def attach(self, namespace: int, subnet: str | None) -> VethPair:
        """Connect a network namespace (descriptor) to the bridge by a veth pair.

        ``subnet`` is the IPv4 network of the bridge, None for any.  Raises Refused,
        KernelError, and ShellplayError if the bridge process was killed.
        """
        answer = self._request_or_raise({"attach": subnet}, namespace)
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
            socket.send_fds(self._socket, [json.dumps(request).encode()], fds)
            answer = self._socket.recv(ANSWER_SIZE)
        except OSError:
            return None
        reply: dict[str, Any] | None = json.loads(answer) if answer else None
        return reply

    def _start(self) -> None:
        packages = self.require()
        own_end, child_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with child_end:
            # A process group of its own: neither ^C nor a kill of our group reaches the
            # process.  With -I -S it loads only our package and pyroute2.
            self._pid = interpreter.spawn(
                interpreter.command(PROGRAM, "3", PACKAGE_ROOT, packages),
                os.environ,
                _dup_to_3(child_end.fileno()),
                session=False,
            )
        self._socket = own_end

    def _close_and_wait(self) -> int:
        assert self._socket is not None
        assert self._pid is not None
        self._socket.close()
        self._socket = self.bridge = None
        _, status = os.waitpid(self._pid, 0)
        return os.waitstatus_to_exitcode(status)


def _dup_to_3(fd: int) -> list[tuple[object, ...]]:
    # If the descriptor is 3 already, dup2(3, 3) would leave close-on-exec set: dup it twice.
    high = 200
    return [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, fd, high),
        (os.POSIX_SPAWN_DUP2, high, 3),
        (os.POSIX_SPAWN_CLOSE, high),
    ]
