"""Ask the kernel over netlink(7) whether a process may configure the network.

A program like ip(8) gets the refusal in a message, not as an errno of a call.
"""

from __future__ import annotations

import errno
import os
import struct

from shellplay.kernel import constants as k
from shellplay.kernel.caller import Returned
from shellplay.kernel.stub import Stub

AF_NETLINK, SOCK_RAW = 16, 3
NLM_F_REQUEST_ACK = 5
HEADER, ERROR = struct.Struct("IHHII"), struct.Struct("i")
NO_INTERFACE = 0x7FFFFFFF
# struct ifinfomsg, which begins like struct ifaddrmsg and struct rtmsg.
INTERFACE = struct.Struct("BxHiII")
RTM_BASE, RTM_SETLINK = 16, 19


def is_change(request: int) -> bool:
    """Tell whether a message of rtnetlink(7) changes something: all do but RTM_GET*."""
    return request >= RTM_BASE and request % 4 != 2


def ask_kernel(stub: Stub, request: int) -> int:
    """Ask with a change of an interface that does not exist; return the errno, 0 if allowed.

    The kernel checks CAP_NET_ADMIN before it looks for the interface (ENODEV).
    """
    body = INTERFACE.pack(0, 0, NO_INTERFACE, 0, 0)
    kind = RTM_SETLINK if is_change(request) else request
    message = HEADER.pack(HEADER.size + len(body), kind, NLM_F_REQUEST_ACK, 1, 0) + body
    answer = bytearray(4096)
    # The address of the kernel, which answers before sendto(2) returns.
    address = struct.pack("HHII", AF_NETLINK, 0, 0, 0)
    results = stub.syscalls(
        [
            ("socket", (AF_NETLINK, SOCK_RAW | os.O_NONBLOCK | k.SOCK_CLOEXEC, 0), ()),
            ("sendto", (Returned(0), message, len(message), 0, address, len(address)), ()),
            ("recvfrom", (Returned(0), answer, len(answer), 0, None, None), ()),
        ]
    )
    if results[-1] < 0:
        return -results[-1]
    (number,) = ERROR.unpack_from(answer, HEADER.size)
    return 0 if -number in (0, errno.ENODEV, errno.EINVAL) else -int(number)
