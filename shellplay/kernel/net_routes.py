"""The routes in the net namespace of a process, from /proc."""

from __future__ import annotations

from shellplay.kernel import procfs

# File, column of the destination, and the destination of a default route.
DEFAULTS = (("net/route", 1, "00000000"), ("net/ipv6_route", 0, "0" * 32))


def has_default_route(pid: int | str) -> bool:
    """Tell whether the net namespace of a process has an IPv4 or IPv6 default route."""
    for name, column, default in DEFAULTS:
        lines = (procfs.read(pid, name) or b"").decode("ascii").splitlines()
        rows = [line.split() for line in lines]
        # The kernel has a default route on lo that rejects packets: it does not count.
        if any(
            len(row) > column and row[column] == default and "lo" not in (row[0], row[-1])
            for row in rows
        ):
            return True
    return False
