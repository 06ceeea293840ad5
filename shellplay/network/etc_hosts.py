"""What is in /etc/hosts and /etc/resolv.conf inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from pathlib import Path

HOSTS, RESOLV, HOSTNAME = "/etc/hosts", "/etc/resolv.conf", "/etc/hostname"
# Where systemd keeps the name servers that its own on the loopback asks.
UPSTREAM = Path("/run/systemd/resolve/resolv.conf")
LOCAL = ("127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback")


def hosts(own: Iterable[str], others: Iterable[str]) -> str:
    """Return /etc/hosts: the loopback, our own lines, those of others on the bridge."""
    return "\n".join((*LOCAL, *own, *others)) + "\n"


def as_on_the_host(path: str) -> str:
    """Return what such a file says on the host; nothing if it cannot be read."""
    try:
        return Path(path).read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def line(address: str, names: Sequence[str]) -> str:
    """Return a line of /etc/hosts; the address may have its prefix behind it."""
    return f"{address.partition('/')[0]} {' '.join(names)}"


def resolv(name_server: str | None) -> tuple[str, str | None]:
    """Return /etc/resolv.conf, and a sentence if it names no server.

    Without a name server of its own it has those of the host that are reached from inside.
    """
    if name_server is not None:
        return f"nameserver {name_server}\n", None
    for path in (Path(RESOLV), UPSTREAM):
        kept = [each for each in _lines(path) if not _is_local(each)]
        if any(each.startswith("nameserver") for each in kept):
            return "\n".join(kept) + "\n", None
    return "", (
        "no name server: that of the host is on its loopback, which is not reached from inside"
    )


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return []
    words = ("nameserver", "search", "domain", "options")
    return [each.strip() for each in text.splitlines() if each.strip().startswith(words)]


def _is_local(line: str) -> bool:
    key, _, value = line.partition(" ")
    if key != "nameserver":
        return False
    try:
        return ip_address(value.strip().partition("%")[0]).is_loopback
    except ValueError:
        return True
