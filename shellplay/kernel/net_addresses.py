"""The addresses in the net namespace of a process, from /proc."""

from __future__ import annotations

import itertools

from shellplay.kernel import procfs

LOCAL = "/32 host LOCAL"


def addresses(pid: int | str) -> tuple[str, ...]:
    """Return IPv4 and IPv6 addresses, without loopback and link-local addresses."""
    return (*_version_4(pid), *_version_6(pid))


def _version_4(pid: int | str) -> list[str]:
    lines = (procfs.read(pid, "net/fib_trie") or b"").decode("ascii").splitlines()
    # Loaded here: the import takes longer than the start of a bash.
    from ipaddress import IPv4Address

    found = (
        IPv4Address(before.rpartition(" ")[2])
        for before, line in itertools.pairwise(lines)
        if LOCAL in line
    )
    # fib_trie may show an address in two tables.
    return list(dict.fromkeys(str(each) for each in found if not each.is_loopback))


def _version_6(pid: int | str) -> list[str]:
    lines = (procfs.read(pid, "net/if_inet6") or b"").decode("ascii").splitlines()
    from ipaddress import IPv6Address

    found = (IPv6Address(bytes.fromhex(line.split()[0])) for line in lines)
    return [str(each) for each in found if not (each.is_loopback or each.is_link_local)]
