"""The routes in the network of a process, as /proc shows them."""

from __future__ import annotations

from shellplay.kernel import procfs

# Where a row has what it leads to, and what that is if it is everything.
DEFAULTS = (("net/route", 1, "00000000"), ("net/ipv6_route", 0, "0" * 32))


def leads_out(pid: int | str) -> bool:
    """Tell whether a default route of either family leads out of that network."""
    for name, column, everything in DEFAULTS:
        lines = (procfs.read(pid, name) or b"").decode("ascii").splitlines()
        rows = [line.split() for line in lines]
        # Not that of the loopback interface, which refuses.
        if any(
            len(row) > column and row[column] == everything and "lo" not in (row[0], row[-1])
            for row in rows
        ):
            return True
    return False
