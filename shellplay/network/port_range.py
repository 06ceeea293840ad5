"""Ranges of ports, as in ``8000-8002:80-82``: one published port for each in the range."""

from __future__ import annotations

import re

from shellplay.errors import UsageError
from shellplay.network.port import EXAMPLE, MAX_PORT, Port

PATTERN = re.compile(
    r"(?P<address>(?:\[[^]]*\]|[^:\[\]]*):)??(?P<host>[0-9-]*:)?(?P<inside>[0-9]+-[0-9]+|[0-9]+)"
    r"(?P<protocol>/\w+)?"
)
EXPOSED = re.compile(r"(?P<range>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>tcp|udp|sctp))?", re.I)
# The same port inside, by several ports of the host: the first that is free is opened.
Choice = tuple[Port, ...]


def choices(text: str) -> tuple[Choice, ...]:
    """Parse ``[ADDRESS:][HOST:]INSIDE[/PROTOCOL]``, in which both may be ranges.

    A range of the host for one port inside is a choice.  Raises UsageError.
    """
    match = PATTERN.fullmatch(text)
    if match is None or "-" not in f"{match['host']}{match['inside']}":
        return ((Port.parse(text),),)
    inside = _numbers(match["inside"])
    host = _numbers(match["host"].rstrip(":")) if (match["host"] or ":") != ":" else None
    before, after = match["address"] or "", match["protocol"] or ""

    def port(outer: int | str, inner: int) -> Port:
        return Port.parse(f"{before}{outer}:{inner}{after}")

    if host is None:
        return tuple((port("" if before else 0, inner),) for inner in inside)
    if len(inside) == 1:
        return (tuple(port(outer, inside[0]) for outer in host),)
    if len(host) != len(inside):
        raise UsageError(
            f"{text}: {len(host)} ports of the host are for {len(inside)} inside",
            "ranges of one length, as in 8000-8002:80-82",
        )
    return tuple((port(outer, inner),) for outer, inner in zip(host, inside, strict=True))


def exposed_ports(text: str) -> tuple[str, ...]:
    """Parse the value of ``--expose``; return each port as NUMBER/PROTOCOL.

    Raises UsageError.
    """
    match = EXPOSED.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is not a port to expose", "as in 80, 53/udp or 80-82")
    protocol = (match["protocol"] or "tcp").lower()
    return tuple(f"{number}/{protocol}" for number in _numbers(match["range"]))


def _numbers(text: str) -> range:
    match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", text)
    first = int(match[1]) if match else 0
    last = int(match[2] or first) if match else 0
    if match is None or not 1 <= first <= last <= MAX_PORT:
        raise UsageError(f"{text} is not a range of ports", EXAMPLE)
    return range(first, last + 1)
