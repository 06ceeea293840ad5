"""The text of /etc/hosts (hosts(5)) and /etc/resolv.conf (resolv.conf(5)) in a container."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

HOSTS, RESOLV, HOSTNAME = "/etc/hosts", "/etc/resolv.conf", "/etc/hostname"
NO_SEARCH = "."
# The name servers that systemd-resolved asks; /etc/resolv.conf names only its own address.
SYSTEMD_RESOLV = "/run/systemd/resolve/resolv.conf"
# The same as in Docker (moby, libnetwork/etchosts).
LOCAL = (
    *("127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"),
    *("fe00::0 ip6-localnet", "ff00::0 ip6-mcastprefix"),
    *("ff02::1 ip6-allnodes", "ff02::2 ip6-allrouters"),
)


def hosts(own_lines: Iterable[str], peer_lines: Iterable[str]) -> str:
    """Return /etc/hosts: the loopback, the container's own lines, and those of its peers."""
    return "\n".join((*LOCAL, *own_lines, *peer_lines)) + "\n"


def with_lines(text: str, lines: Iterable[str]) -> str:
    """Return the text of /etc/hosts with more lines at its end."""
    end = "" if text.endswith("\n") or not text else "\n"
    return text + end + "".join(f"{each}\n" for each in lines)


def changed(
    text: str, servers: Sequence[str], searches: Sequence[str], options: Sequence[str]
) -> str:
    """Return the text of /etc/resolv.conf with other servers, domains and options.

    Those that are empty stay as they are; the domain ``.`` stands for none.
    """
    replaced = {
        "nameserver": [f"nameserver {each}" for each in servers],
        "search": [f"search {' '.join(searches)}"] if searches else [],
        "options": [f"options {' '.join(options)}"] if options else [],
    }
    if not any(replaced.values()):
        return text
    keys = {key for key, lines in replaced.items() if lines}
    if "search" in keys:
        keys.add("domain")
    kept = [
        line
        for line in text.splitlines()
        if line.split(maxsplit=1)[:1] not in ([k] for k in keys)
    ]
    if NO_SEARCH in searches:
        replaced["search"] = []
    return "\n".join((*kept, *(line for lines in replaced.values() for line in lines))) + "\n"


def read_host_file(path: str) -> str:
    """Return the text of a file of the host, an empty one if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def line(address: str, names: Sequence[str]) -> str:
    """Return a line of /etc/hosts; a prefix length after the address (``/24``) is cut off."""
    return f"{address.partition('/')[0]} {' '.join(names)}"


def resolv(name_server: str | None) -> tuple[str, str | None]:
    """Return /etc/resolv.conf, and a sentence if it has no name server, else None.

    With ``name_server`` None it has the host's name servers except those on the loopback,
    which a container cannot reach.
    """
    if name_server is not None:
        return f"nameserver {name_server}\n", None
    for path in (RESOLV, SYSTEMD_RESOLV):
        lines = [line for line in _lines(path) if not _is_loopback_server(line)]
        if any(line.startswith("nameserver") for line in lines):
            return "\n".join(lines) + "\n", None
    return "", (
        "no name server: that of the host is on its loopback, which is not reached from inside"
    )


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return []
    keywords = ("nameserver", "search", "domain", "options")
    return [line.strip() for line in text.splitlines() if line.strip().startswith(keywords)]


def _is_loopback_server(line: str) -> bool:
    # Loaded here: a container without a network of its own looks at no name server.
    from ipaddress import ip_address

    key, _, value = line.partition(" ")
    if key != "nameserver":
        return False
    try:
        return ip_address(value.strip().partition("%")[0]).is_loopback
    except ValueError:
        return True
