"""A published port: a port of the host that leads to a port of a container."""

from __future__ import annotations

import errno
import re
import socket
from ipaddress import ip_address

from shellplay.errors import KernelError, Refused, UsageError
from shellplay.model import Value

PATTERN = re.compile(
    r"(?:(?P<address>\[[^]]*\]|[^:\[\]]*):)??(?:(?P<host>[0-9]*):)?(?P<inside>[0-9]+)"
    r"(?:/(?P<protocol>\w+))?"
)
EXAMPLE = "as in 8080:80, 127.0.0.2:8080:80 or 5353:53/udp"
LOOPBACK = "127.0.0.1"
MAX_PORT = 65535
SOCKET_TYPES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
BACKLOG = 128


class PortTaken(Refused):
    """A port of the host is open for another program already."""


class Port(Value):
    """The address and the port of the host, and the port of the container (``inside``).

    With ``host`` 0 the kernel chooses a free port when it is opened.
    """

    address: str
    host: int
    inside: int
    protocol: str = "tcp"

    @classmethod
    def parse(cls, text: str) -> Port:
        """Parse ``[ADDRESS:]HOST:INSIDE[/tcp|/udp]``, or INSIDE alone; raises UsageError."""
        match = PATTERN.fullmatch(text)
        if match is None:
            raise UsageError(f"{text!r} is not [ADDRESS:]HOST:INSIDE[/udp]", EXAMPLE)
        port = cls(
            _address(match["address"] or LOOPBACK),
            _number(match["host"] or "0", minimum=0),
            _number(match["inside"], minimum=1),
            match["protocol"] or "tcp",
        )
        if port.protocol not in SOCKET_TYPES:
            raise UsageError(f"{port.protocol!r} is neither tcp nor udp", EXAMPLE)
        return port

    @property
    def socket_address(self) -> str:
        """The address and the port of the host, as in a URL."""
        return f"{_in_brackets(self.address)}:{self.host}"

    @property
    def spellings(self) -> tuple[str, ...]:
        """The texts by which ``unpublish`` finds this port."""
        short_forms = (str(self.host), self.socket_address)
        forms = (*short_forms, *(f"{form}:{self.inside}" for form in short_forms))
        return (*forms, *(f"{form}/{self.protocol}" for form in forms))

    def __str__(self) -> str:
        return f"{self.socket_address} -> {self.inside}/{self.protocol}"

    def open(self) -> tuple[Port, socket.socket]:
        """Open the socket; return the port with its real number, and the socket.

        Raises Refused, and KernelError for an unexpected error of bind(2).
        """
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        listener = socket.socket(family, SOCKET_TYPES[self.protocol])
        try:
            if self.protocol == "tcp":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                # Without it [::] would accept IPv4 connections too (ipv6(7)).
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((self.address, self.host))
            if self.protocol == "tcp":
                listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            raise self._refused(error) from error
        return self.changed(host=listener.getsockname()[1]), listener

    def _refused(self, error: OSError) -> Exception:
        suggestion = f"publish 0:{self.inside} takes a free one"
        match error.errno:
            case errno.EADDRINUSE:
                return PortTaken(f"{self.socket_address} is taken by somebody else", suggestion)
            case errno.EACCES:
                return Refused(f"port {self.host} takes root", suggestion)
            case errno.EADDRNOTAVAIL:
                return Refused(f"{self.address} is not an address of this host", "leave it out")
        return KernelError("bind", error.errno or errno.EIO, self.socket_address)


def _address(text: str) -> str:
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError as error:
        raise UsageError(f"{text!r} is not an address", EXAMPLE) from error


def _number(text: str, *, minimum: int) -> int:
    if len(text) > len(str(MAX_PORT)) or not minimum <= int(text) <= MAX_PORT:
        raise UsageError(f"{text} is not a port", f"from {minimum} to {MAX_PORT}")
    return int(text)


def _in_brackets(address: str) -> str:
    return f"[{address}]" if ":" in address else address
