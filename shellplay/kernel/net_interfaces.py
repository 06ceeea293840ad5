"""Network interfaces of the network that a process is in."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from shellplay.kernel import constants as k

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller

IFREQ = struct.Struct("16sH22x")


def bring_up(caller: Caller, interface: str) -> None:
    """Set a new interface up in the network namespace of the caller, netdevice(7)."""
    fd = caller.call("socket", k.AF_INET, k.SOCK_DGRAM | k.SOCK_CLOEXEC, 0)
    try:
        # A new interface has no other flag yet, so none has to be kept.
        request = bytearray(IFREQ.pack(interface.encode(), k.IFF_UP))
        caller.call(
            "ioctl", fd, k.SIOCSIFFLAGS, request, subject=interface,
            shown=[str(fd), "SIOCSIFFLAGS", f"{interface} IFF_UP"],
            same_as=f"ip link set {interface} up",
        )  # fmt: skip
    finally:
        caller.close(fd)
