"""The namespaces of a process, the user namespaces that own them, and how to hold them.

A namespace is known by the device and inode of its file in /proc/PID/ns, see namespaces(7);
what may be asked of an open one is in ioctl_ns(2).
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from functools import cache

from shellplay.errors import KernelError
from shellplay.kernel import constants as k
from shellplay.model import NamespaceId

CLONE_FLAGS: dict[str, int] = {
    "user": k.CLONE_NEWUSER,
    "mnt": k.CLONE_NEWNS,
    "uts": k.CLONE_NEWUTS,
    "ipc": k.CLONE_NEWIPC,
    "net": k.CLONE_NEWNET,
    "pid": k.CLONE_NEWPID,
    "cgroup": k.CLONE_NEWCGROUP,
    "time": k.CLONE_NEWTIME,
}
KINDS: tuple[str, ...] = tuple(CLONE_FLAGS)
FOR_CHILDREN = ("pid_for_children", "time_for_children")

# linux/nsfs.h
NS_GET_USERNS = 0xB701
NS_GET_PARENT = 0xB702
NS_GET_NSTYPE = 0xB703
NS_GET_OWNER_UID = 0xB704
_UID = struct.Struct("=I")


@cache
def supported(kind: str) -> bool:
    """Tell whether this kernel has namespaces of a kind; it stays so until it is rebooted."""
    return os.path.exists(f"/proc/self/ns/{kind}")


def identify(pid: int | str, kind: str) -> NamespaceId | None:
    """Return the namespace of a process (or "self"), or None if it cannot be read.

    ``kind`` is one of KINDS or FOR_CHILDREN.  It cannot be read of a process that has gone,
    that belongs to another user, or (``pid_for_children``) before the first child of a
    new namespace.
    """
    if pid == "self":
        return _own(kind, os.getpid())
    return _identified(pid, kind)


@cache
def _own(kind: str, process: int) -> NamespaceId | None:
    # This process never moves itself, so its namespaces are asked for once.
    return _identified(process, kind)


def _identified(pid: int | str, kind: str) -> NamespaceId | None:
    try:
        found = os.stat(f"/proc/{pid}/ns/{kind}")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return NamespaceId(_plain(kind), found.st_dev, found.st_ino)


def identities(pid: int | str = "self") -> dict[str, NamespaceId | None]:
    """Return the namespaces of a process by kind, in the order of KINDS."""
    return {kind: identify(pid, kind) for kind in KINDS}


def open_namespace(pid: int | str, kind: str) -> int:
    """Open a namespace of a process, so that it lives on; the caller closes the descriptor.

    Raises KernelError (ENOENT: no such process, or no such kind in this kernel).
    """
    path = f"/proc/{pid}/ns/{kind}"
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise KernelError("open", error.errno or errno.EIO, path) from error


def of_descriptor(fd: int) -> NamespaceId:
    """Return which namespace an open descriptor holds; raise KernelError if it is none."""
    flag = _ask(fd, NS_GET_NSTYPE)
    found = os.fstat(fd)
    kind = next(name for name, value in CLONE_FLAGS.items() if value == flag)
    return NamespaceId(kind, found.st_dev, found.st_ino)


def owner(fd: int) -> NamespaceId | None:
    """Return the user namespace that owns a namespace, or None if it is above our own."""
    return _related(fd, NS_GET_USERNS)


def open_owner(fd: int) -> int:
    """Open the user namespace that owns a namespace; the caller closes the descriptor.

    Raises KernelError (EPERM: it is above our own).
    """
    return _ask(fd, NS_GET_USERNS)


def owners(fd: int) -> list[NamespaceId]:
    """Return the user namespaces that rule a namespace: its owner, that one's parent, ...

    It ends with our own, or with the first one that we may not look above.
    """
    found: list[NamespaceId] = []
    try:
        related = _ask(fd, NS_GET_USERNS)
        while True:
            found.append(of_descriptor(related))
            below, related = related, -1
            try:
                related = _ask(below, NS_GET_PARENT)
            finally:
                os.close(below)
    except KernelError as error:
        if error.errno != errno.EPERM:
            raise
        return found


def parent(fd: int) -> NamespaceId | None:
    """Return the parent of a pid or user namespace, or None if it is above our own.

    Raises KernelError (EINVAL) for the kinds that have no parents.
    """
    return _related(fd, NS_GET_PARENT)


def lineage(pid: int | str, kind: str) -> tuple[NamespaceId, ...]:
    """Return a process's pid or user namespace and its ancestors, the innermost first.

    It ends where the ancestors are above our own namespace.  Raises KernelError like
    open_namespace.
    """
    fd = open_namespace(pid, kind)
    found = [of_descriptor(fd)]
    try:
        while (above := _opened(fd, NS_GET_PARENT)) is not None:
            os.close(fd)
            fd = above
            found.append(of_descriptor(fd))
    finally:
        os.close(fd)
    return tuple(found)


def owner_uid(fd: int) -> int:
    """Return the user that made a user namespace, as a UID in ours; 65534 if it has none."""
    answer = bytearray(_UID.size)
    try:
        fcntl.ioctl(fd, NS_GET_OWNER_UID, answer)
    except OSError as error:
        raise KernelError("ioctl", error.errno or errno.EIO, "NS_GET_OWNER_UID") from error
    uid: int = _UID.unpack(answer)[0]
    return uid


def _plain(kind: str) -> str:
    return kind.removesuffix("_for_children")


def _ask(fd: int, request: int) -> int:
    try:
        return fcntl.ioctl(fd, request)
    except OSError as error:
        raise KernelError("ioctl", error.errno or errno.EIO, f"nsfs {request:#x}") from error


def _opened(fd: int, request: int) -> int | None:
    try:
        return _ask(fd, request)
    except KernelError as error:
        if error.errno == errno.EPERM:
            return None
        raise


def _related(fd: int, request: int) -> NamespaceId | None:
    related = _opened(fd, request)
    if related is None:
        return None
    try:
        return of_descriptor(related)
    finally:
        os.close(related)
