"""A port of the host that leads to one inside: how it is written, and how it is opened."""

from __future__ import annotations

import errno
import re
import socket
from dataclasses import dataclass, replace
from ipaddress import ip_address

from shellplay.errors import KernelError, Refused, UsageError

FORM = re.compile(
    r"(?:(?P<address>\[[^]]*\]|[^:\[\]]*):)??(?:(?P<host>[0-9]*):)?(?P<inside>[0-9]+)"
    r"(?:/(?P<protocol>\w+))?"
)
EXAMPLE = "as in 8080:80, 127.0.0.2:8080:80 or 5353:53/udp"
LOOPBACK = "127.0.0.1"
LAST_PORT = 65535
KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the host, at one of its addresses, and the port inside; ``host`` 0: any."""

    address: str
    host: int
    inside: int
    protocol: str = "tcp"

    @classmethod
    def parse(cls, text: str) -> Port:
        """Read ``[ADDRESS:]HOST:INSIDE[/tcp|/udp]``, or INSIDE alone; raises UsageError."""
        found = FORM.fullmatch(text)
        if found is None:
            raise UsageError(f"{text!r} is not [ADDRESS:]HOST:INSIDE[/udp]", EXAMPLE)
        port = cls(
            _address(found["address"] or LOOPBACK),
            _number(found["host"] or "0", least=0),
            _number(found["inside"], least=1),
            found["protocol"] or "tcp",
        )
        if port.protocol not in KINDS:
            raise UsageError(f"{port.protocol!r} is neither tcp nor udp", EXAMPLE)
        return port

    @property
    def place(self) -> str:
        """Where it is on the host, as in a URL."""
        return f"{_bracketed(self.address)}:{self.host}"

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called when it is to be closed."""
        bare = (str(self.host), self.place)
        names = (*bare, *(f"{each}:{self.inside}" for each in bare))
        return (*names, *(f"{each}/{self.protocol}" for each in names))

    def __str__(self) -> str:
        return f"{self.place} -> {self.inside}/{self.protocol}"

    def opened(self) -> tuple[Port, socket.socket]:
        """Open it, and return it with its number; raises Refused if it cannot be had."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        listener = socket.socket(family, KINDS[self.protocol])
        try:
            if self.protocol == "tcp":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                # Or [::] would be open to everybody by IPv4, too.
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((self.address, self.host))
            if self.protocol == "tcp":
                listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            raise self._refused(error) from error
        return replace(self, host=listener.getsockname()[1]), listener

    def _refused(self, error: OSError) -> Exception:
        other = f"publish 0:{self.inside} takes a free one"
        match error.errno:
            case errno.EADDRINUSE:
                return Refused(f"{self.place} is taken by somebody else", other)
            case errno.EACCES:
                return Refused(f"port {self.host} takes root", other)
            case errno.EADDRNOTAVAIL:
                return Refused(f"{self.address} is no address of this host", "leave it out")
        return KernelError("bind", error.errno or errno.EIO, self.place)


def _address(text: str) -> str:
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError as error:
        raise UsageError(f"{text!r} is no address", EXAMPLE) from error


def _number(text: str, *, least: int) -> int:
    if len(text) > len(str(LAST_PORT)) or not least <= int(text) <= LAST_PORT:
        raise UsageError(f"{text} is no port", f"from {least} to {LAST_PORT}")
    return int(text)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
