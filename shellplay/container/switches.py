"""Set the switches of the kernel that belong to the namespaces of a container (sysctl(8))."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping

from shellplay.container import apply
from shellplay.errors import KernelError, Refused
from shellplay.fences.rootfs import build
from shellplay.kernel import mountinfo, sysctl
from shellplay.kernel.stub import Stub


def open_ports(stub: Stub) -> Iterator[str]:
    """Allow every user every port of a network of its own, and pings, as Docker does.

    Before /proc/sys becomes read-only; see ip(7) and icmp(7).  Yields a sentence if this
    process may not.
    """
    # The kernel takes no range of groups that are not mapped.
    mapped = build.may_see_below_mounts(stub)
    pings = {"net.ipv4.ping_group_range": "0 2147483647"} if mapped else {}
    try:
        sysctl.set_all(stub, {"net.ipv4.ip_unprivileged_port_start": "0", **pings})
    except KernelError as error:
        # This process may be in a container itself.
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        yield f"ports below 1024 are for root only: {error.message}"


def set_own(stub: Stub, switches: Mapping[str, str]) -> None:
    """Set what was asked for, by name, before /proc/sys becomes read-only.

    The interfaces are there by then: they have switches, too.  Raises Refused.
    """
    if not switches:
        return
    missing = not mountinfo.mounts_at(stub.pid, apply.PROC)
    if missing:
        apply.mount_proc(stub)
    for name, value in switches.items():
        try:
            sysctl.set_all(stub, {name: value})
        except KernelError as error:
            raise Refused(f"--sysctl {name}={value}: {os.strerror(error.errno)}") from error
    if missing:
        apply.unmount_proc(stub)
