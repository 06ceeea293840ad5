"""Our end of the process that has the bridge: start it, ask it, let it remove everything."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from shellplay.errors import KernelError, Refused, ShellplayError
from shellplay.kernel import nftables
from shellplay.kernel.signals import deferred
from shellplay.model import Leg
from shellplay.monitor.client import PACKAGE_ROOT

ANSWER_SIZE = 65536
PROGRAM = (
    "import sys; sys.path[:0] = sys.argv[2:]; "
    "from shellplay.network.bridge_process import main; main(int(sys.argv[1]))"
)


class BridgeClient:
    """The process with the bridge of a playground, started when the first needs it."""

    def __init__(self) -> None:
        self.bridge: str | None = None
        self._pid: int | None = None
        self._link: socket.socket | None = None
        self._lock = threading.Lock()

    @staticmethod
    def require() -> str:
        """Return where pyroute2 is; raise Refused if there can be no bridge."""
        if os.geteuid() != 0:
            raise Refused("a bridge on the host takes root", "fence net pasta")
        spec = find_spec("pyroute2")
        if spec is None or spec.origin is None:
            raise Refused("a bridge takes pyroute2", "pip install 'shellplay[net]'")
        return str(Path(spec.origin).parents[1])

    @staticmethod
    def missing() -> Refused | None:
        """Return why there can be no bridge on this machine, None if there can."""
        try:
            BridgeClient.require()
        except Refused as error:
            return error
        if why := nftables.refused():
            return Refused(f"this kernel has no nftables: {why}", "modprobe nf_tables, as root")
        return None

    def prestart(self) -> None:
        """Start the process now, if it can be had, while something else is being done."""
        # If it cannot, that is said to who asks for a bridge.
        with self._lock, suppress(Refused):
            if self._link is None:
                self._start()

    def attach(self, namespace: int, subnet: str | None) -> Leg:
        """Lead an interface from the bridge into a network namespace; raises Refused."""
        answer = self._ask({"attach": subnet}, namespace)
        self.bridge = answer["bridge"]
        link, interface, *lists = answer["leg"]
        return Leg(link, interface, *map(tuple, lists))

    def detach(self, link: str) -> None:
        """Remove a pair of interfaces; with the process that had the bridge it has gone."""
        with deferred(), self._lock:
            if self._link is not None and self._request({"detach": link}) is None:
                self._start_anew()

    def close(self) -> None:
        """Have everything removed, and wait for it."""
        with self._lock:
            if self._link is None:
                return
            if self._hang_up() != 0:
                # It was killed: another one removes what it had.
                self._start()
                self._request({"remove_stale": True})
                self._hang_up()

    def _ask(self, request: dict[str, Any], *fds: int) -> dict[str, Any]:
        with deferred(), self._lock:
            if self._link is None:
                self._start()
            answer = self._request(request, *fds)
            if answer is None:
                self._start_anew()
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

    def _start_anew(self) -> None:
        """Start another process after one was killed, and have it remove what that had."""
        self._hang_up()
        self._start()
        self._request({"remove_stale": True})

    def _request(self, request: dict[str, Any], *fds: int) -> dict[str, Any] | None:
        assert self._link is not None
        try:
            socket.send_fds(self._link, [json.dumps(request).encode()], fds)
            answer = self._link.recv(ANSWER_SIZE)
        except OSError:
            return None
        found: dict[str, Any] | None = json.loads(answer) if answer else None
        return found

    def _start(self) -> None:
        packages = self.require()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # A process group of its own: a ^C at the terminal is not for it, nor a kill of
            # ours.  It runs no code but ours and that of one package (-I -S).
            self._pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-S", "-c", PROGRAM, "3", PACKAGE_ROOT, packages],
                os.environ,
                file_actions=_as_3(theirs.fileno()),
                setpgroup=0,
                setsigmask=(),
            )
        self._link = ours

    def _hang_up(self) -> int:
        assert self._link is not None
        assert self._pid is not None
        self._link.close()
        self._link = self.bridge = None
        _, status = os.waitpid(self._pid, 0)
        return os.waitstatus_to_exitcode(status)


def _as_3(fd: int) -> list[tuple[object, ...]]:
    # Through a high number first: it may be 3 already, and would be closed then.
    high = 200
    return [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, fd, high),
        (os.POSIX_SPAWN_DUP2, high, 3),
        (os.POSIX_SPAWN_CLOSE, high),
    ]
