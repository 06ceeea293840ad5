"""Landlock: what a process leaves itself of files and ports, see landlock(7).

A ruleset names the kinds of access that it handles; of those only what a rule allows is
left.  Every call is made by the process that is to be restricted, so a path is what that
process sees.
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

# struct landlock_ruleset_attr without what only newer kernels know, landlock_path_beneath_attr
# (which is packed) and landlock_net_port_attr.
RULESET = struct.Struct("=QQ")
PATH_BENEATH = struct.Struct("=Qi")
NET_PORT = struct.Struct("=QQ")
# The ABI from on which the kernel knows ports.
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
# Of a file that is no directory, a rule may allow these only.
OF_ONE_FILE = Files.EXECUTE | Files.WRITE_FILE | Files.READ_FILE | Files.TRUNCATE
# The first ABI that knows them; the others are as old as Landlock.
SINCE = {Files.REFER: 2, Files.TRUNCATE: 3}


def abi() -> int:
    """Return the version of Landlock that this kernel has, 0 if it has none or it is off."""
    version = HERE.syscall("landlock_create_ruleset", 0, 0, k.LANDLOCK_CREATE_RULESET_VERSION)
    return max(version, 0)


def known(access: Files) -> Files:
    """Return what of some kinds of access this kernel can handle."""
    version = abi()
    return access & ~sum(kind for kind, since in SINCE.items() if since > version)


def landlock_create_ruleset(caller: Caller, files: Files, ports: Ports) -> int:
    """Return a descriptor, of the caller, of a ruleset that handles some kinds of access."""
    content = RULESET.pack(files, ports)
    shown = f"{{handled_access_fs={files:#x}, handled_access_net={ports:#x}}}"
    return caller.call(
        "landlock_create_ruleset", content, len(content), 0,
        subject=shown, shown=[shown, str(len(content)), "0"],
    )  # fmt: skip


def allow_path(caller: Caller, ruleset: int, path: str, access: Files) -> None:
    """Allow kinds of access to a file, or to all that is beneath a directory.

    Raises KernelError (of openat2) if the caller cannot open it.
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
    """Leave the caller, and all that it will start, what a ruleset allows, for good."""
    caller.call("landlock_restrict_self", ruleset, 0, subject=f"fd {ruleset}")


def _add_rule(caller: Caller, ruleset: int, kind: int, content: bytes, shown: str) -> None:
    caller.call(
        "landlock_add_rule", ruleset, kind, content, 0,
        subject=shown, shown=[str(ruleset), str(kind), shown, "0"],
    )  # fmt: skip
