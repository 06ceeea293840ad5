"""Landlock: a process restricts its own access to files and ports, landlock(7).

A ruleset handles some kinds of access, and denies them except where a rule allows them.
The restricted process makes every call, so a path is resolved in its mount namespace.
"""

from __future__ import annotations

import errno
import os
import struct
from enum import IntFlag

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.kernel.caller import Caller
from shellplay.kernel.here import HERE

# struct landlock_ruleset_attr without its newest fields, landlock_path_beneath_attr (packed),
# and landlock_net_port_attr.
RULESET = struct.Struct("=QQ")
PATH_BENEATH = struct.Struct("=Qi")
NET_PORT = struct.Struct("=QQ")
# The first ABI version with ports.
ABI_OF_PORTS = 4


class Files(IntFlag):
    """Kinds of access to files, LANDLOCK_ACCESS_FS_*."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14


class Ports(IntFlag):
    """Kinds of access to TCP ports, LANDLOCK_ACCESS_NET_*."""

    BIND_TCP = 1 << 0
    CONNECT_TCP = 1 << 1


READ = Files.READ_FILE | Files.READ_DIR
EXECUTE = Files.EXECUTE
WRITE = ~(READ | EXECUTE)
# A rule for a file that is not a directory may allow only these.
OF_ONE_FILE = Files.EXECUTE | Files.WRITE_FILE | Files.READ_FILE | Files.TRUNCATE
# The first ABI version with these kinds; version 1 has all other kinds.
SINCE = {Files.REFER: 2, Files.TRUNCATE: 3}


def abi() -> int:
    """Return the ABI version of Landlock, 0 if the kernel lacks it or has switched it off."""
    version = HERE.syscall("landlock_create_ruleset", 0, 0, k.LANDLOCK_CREATE_RULESET_VERSION)
    return max(version, 0)


def known(access: Files) -> Files:
    """Return the part of ``access`` that this kernel can handle."""
    version = abi()
    return access & ~sum(kind for kind, since in SINCE.items() if since > version)


def landlock_create_ruleset(caller: Caller, files: Files, ports: Ports) -> int:
    """Create a ruleset that handles kinds of access; return its descriptor in the caller."""
    content = RULESET.pack(files, ports)
    shown = f"{{handled_access_fs={files:#x}, handled_access_net={ports:#x}}}"
    return caller.call(
        "landlock_create_ruleset", content, len(content), 0,
        subject=shown, shown=[shown, str(len(content)), "0"],
    )  # fmt: skip


def allow_path(caller: Caller, ruleset: int, path: str, access: Files) -> None:
    """Allow kinds of access to a file, or to all files below a directory.

    Raises KernelError (of openat2) if the caller cannot open the path.
    """
    flags = os.O_PATH | os.O_CLOEXEC
    try:
        fd = caller.openat2(k.AT_FDCWD, path, flags | os.O_DIRECTORY, 0)
    except KernelError as error:
        if error.errno != errno.ENOTDIR:
            raise
        fd = caller.openat2(k.AT_FDCWD, path, flags, 0)
        access &= OF_ONE_FILE
    try:
        content = PATH_BENEATH.pack(access, fd)
        shown = f"{{allowed_access={access:#x}, parent_fd={path}}}"
        _add_rule(caller, ruleset, k.LANDLOCK_RULE_PATH_BENEATH, content, shown)
    finally:
        caller.close(fd)


def allow_port(caller: Caller, ruleset: int, port: int, access: Ports) -> None:
    """Allow kinds of access to a TCP port."""
    shown = f"{{allowed_access={access:#x}, port={port}}}"
    content = NET_PORT.pack(access, port)
    _add_rule(caller, ruleset, k.LANDLOCK_RULE_NET_PORT, content, shown)


def landlock_restrict_self(caller: Caller, ruleset: int) -> None:
    """Apply a ruleset to the caller and its future children, landlock_restrict_self(2).

    The kernel cannot take it off again.
    """
    caller.call("landlock_restrict_self", ruleset, 0, subject=f"fd {ruleset}")


def _add_rule(caller: Caller, ruleset: int, kind: int, content: bytes, shown: str) -> None:
    caller.call(
        "landlock_add_rule", ruleset, kind, content, 0,
        subject=shown, shown=[str(ruleset), str(kind), shown, "0"],
    )  # fmt: skip
