"""Check by netlink(7) whether the kernel has nftables."""

from __future__ import annotations

import os
import socket
import struct

# From linux/netlink.h, linux/netfilter/nfnetlink.h and nf_tables.h.
NETLINK_NETFILTER = 12
GET_TABLES = 10 << 8 | 1
REQUEST_DUMP = 0x301
HEADER = struct.Struct("=IHHII")
OF_ALL_FAMILIES = bytes(4)
NLMSG_ERROR = 2
SECONDS = 2.0


def refusal() -> str | None:
    """Return why the kernel refuses to list nftables, None if it lists them."""
    size = HEADER.size + len(OF_ALL_FAMILIES)
    question = HEADER.pack(size, GET_TABLES, REQUEST_DUMP, 1, 0) + OF_ALL_FAMILIES
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as link:
            link.settimeout(SECONDS)
            link.send(question)
            answer = link.recv(65536)
    except OSError as error:
        return os.strerror(error.errno or 0)
    _, kind, _, _, _ = HEADER.unpack_from(answer)
    if kind != NLMSG_ERROR:
        return None
    return os.strerror(-struct.unpack_from("=i", answer, HEADER.size)[0])
