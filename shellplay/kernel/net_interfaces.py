"""Network interfaces in the net namespace of a process."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from shellplay.kernel import constants as k
from shellplay.kernel import procfs

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller

IFREQ = struct.Struct("16sH22x")


def interfaces(pid: int | str) -> list[str]:
    """Return the names of the interfaces that a process has, proc_pid_net(5)."""
    lines = (procfs.read(pid, "net/dev") or b"").splitlines()[2:]
    return [procfs.text(line.partition(b":")[0].strip()) for line in lines]


def bring_up(caller: Caller, interface: str) -> None:
    """Set a new interface up in the net namespace of the caller, netdevice(7)."""
    with caller.together():
        fd = caller.call("socket", k.AF_INET, k.SOCK_DGRAM | k.SOCK_CLOEXEC, 0)
        # SIOCSIFFLAGS sets all flags.  A new interface has no flags that we must keep.
        request = bytearray(IFREQ.pack(interface.encode(), k.IFF_UP))
        caller.call(
            "ioctl", fd, k.SIOCSIFFLAGS, request, subject=interface,
            shown=["socket", "SIOCSIFFLAGS", f"{interface} IFF_UP"],
            same_as=f"ip link set {interface} up",
        )  # fmt: skip
        caller.close(fd)
