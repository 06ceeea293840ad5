"""The addresses in the network of a process, as /proc shows them."""

from __future__ import annotations

import itertools

from shellplay.kernel import procfs

LOCAL = "/32 host LOCAL"


def addresses(pid: int | str) -> tuple[str, ...]:
    """Return the addresses of both families, without loopback and link-local ones."""
    return (*_version_4(pid), *_version_6(pid))


def _version_4(pid: int | str) -> list[str]:
    lines = (procfs.read(pid, "net/fib_trie") or b"").decode("ascii").splitlines()
    # Loaded here: it takes longer than to start a bash.
    from ipaddress import IPv4Address

    found = (
        IPv4Address(before.rpartition(" ")[2])
        for before, line in itertools.pairwise(lines)
        if LOCAL in line
    )
    # A trie may show one in two tables.
    return list(dict.fromkeys(str(each) for each in found if not each.is_loopback))


def _version_6(pid: int | str) -> list[str]:
    lines = (procfs.read(pid, "net/if_inet6") or b"").decode("ascii").splitlines()
    from ipaddress import IPv6Address

    found = (IPv6Address(bytes.fromhex(line.split()[0])) for line in lines)
    return [str(each) for each in found if not (each.is_loopback or each.is_link_local)]
