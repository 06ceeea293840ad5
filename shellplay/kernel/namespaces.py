"""The namespaces of a process, and the user namespaces that own them.

A namespace is identified by the device and inode of its file in /proc/PID/ns,
namespaces(7).  For the ioctls on such a file see ioctl_ns(2).
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
    """Tell whether this kernel has namespaces of a kind; the answer is valid until a reboot."""
    return os.path.exists(f"/proc/self/ns/{kind}")


def identify(pid: int | str, kind: str) -> NamespaceId | None:
    """Return the namespace of a process (or "self"), or None if it cannot be read.

    ``kind`` is one of KINDS or FOR_CHILDREN.  The namespace cannot be read if the process
    has ended or belongs to another user.  ``pid_for_children`` cannot be read before a new
    namespace has its first child.
    """
    if pid == "self":
        return _own(kind, os.getpid())
    return _read_identity(pid, kind)


@cache
def _own(kind: str, process: int) -> NamespaceId | None:
    # This process never changes its namespaces, so we read each of them once.
    return _read_identity(process, kind)


def _read_identity(pid: int | str, kind: str) -> NamespaceId | None:
    try:
        found = os.stat(f"/proc/{pid}/ns/{kind}")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return NamespaceId(_plain(kind), found.st_dev, found.st_ino)


def identities(pid: int | str = "self") -> dict[str, NamespaceId | None]:
    """Return the namespaces of a process by kind, in the order of KINDS."""
    return {kind: identify(pid, kind) for kind in KINDS}


def open_namespace(pid: int | str, kind: str) -> int:
    """Open a namespace of a process; the caller closes the descriptor.

    The descriptor keeps the namespace alive.  Raises KernelError (ENOENT: the process has
    ended, or this kernel lacks the kind).
    """
    path = f"/proc/{pid}/ns/{kind}"
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise KernelError("open", error.errno or errno.EIO, path) from error


def of_descriptor(fd: int) -> NamespaceId:
    """Return the namespace of a descriptor; raise KernelError for another kind of file."""
    flag = _ioctl(fd, NS_GET_NSTYPE)
    found = os.fstat(fd)
    kind = next(name for name, value in CLONE_FLAGS.items() if value == flag)
    return NamespaceId(kind, found.st_dev, found.st_ino)


def owner(fd: int) -> NamespaceId | None:
    """Return the user namespace that owns a namespace; None if it is above our own."""
    return _identify_related(fd, NS_GET_USERNS)


def open_owner(fd: int) -> int:
    """Open the user namespace that owns a namespace; the caller closes the descriptor.

    Raises KernelError (EPERM: it is above our own).
    """
    return _ioctl(fd, NS_GET_USERNS)


def owners(pid: int | str, kind: str) -> tuple[NamespaceId, ...]:
    """Return the user namespaces above a namespace of a process (or "self").

    See ``owners_of_descriptor``.  Raises KernelError like open_namespace.
    """
    if identify(pid, kind) == identify("self", kind):
        return _own_owners(kind, os.getpid())
    return _owners(pid, kind)


@cache
def _own_owners(kind: str, process: int) -> tuple[NamespaceId, ...]:
    # A namespace never gets another owner, nor a user namespace another parent.
    return _owners(process, kind)


def _owners(pid: int | str, kind: str) -> tuple[NamespaceId, ...]:
    fd = open_namespace(pid, kind)
    try:
        return owners_of_descriptor(fd)
    finally:
        os.close(fd)


def owners_of_descriptor(fd: int) -> tuple[NamespaceId, ...]:
    """Return the user namespace that owns a namespace, and its ancestors, innermost first.

    They end at our own user namespace: the kernel does not show a namespace above it.
    """
    found: list[NamespaceId] = []
    try:
        related = _ioctl(fd, NS_GET_USERNS)
        while True:
            found.append(of_descriptor(related))
            below, related = related, -1
            try:
                related = _ioctl(below, NS_GET_PARENT)
            finally:
                os.close(below)
    except KernelError as error:
        if error.errno != errno.EPERM:
            raise
        return tuple(found)


def parent(fd: int) -> NamespaceId | None:
    """Return the parent of a pid or user namespace; None if it is above our own.

    Raises KernelError (EINVAL) for all other kinds.
    """
    return _identify_related(fd, NS_GET_PARENT)


def lineage(pid: int | str, kind: str) -> tuple[NamespaceId, ...]:
    """Return the pid or user namespace of a process and its ancestors, innermost first.

    The tuple ends at our own namespace.  Raises KernelError like ``open_namespace``.
    """
    fd = open_namespace(pid, kind)
    found = [of_descriptor(fd)]
    try:
        while (above := _open_related(fd, NS_GET_PARENT)) is not None:
            os.close(fd)
            fd = above
            found.append(of_descriptor(fd))
    finally:
        os.close(fd)
    return tuple(found)


def owner_uid(fd: int) -> int:
    """Return the UID of the creator of a user namespace; 65534 if ours does not map it."""
    answer = bytearray(_UID.size)
    try:
        fcntl.ioctl(fd, NS_GET_OWNER_UID, answer)
    except OSError as error:
        raise KernelError("ioctl", error.errno or errno.EIO, "NS_GET_OWNER_UID") from error
    uid: int = _UID.unpack(answer)[0]
    return uid


def _plain(kind: str) -> str:
    return kind.removesuffix("_for_children")


def _ioctl(fd: int, request: int) -> int:
    try:
        return fcntl.ioctl(fd, request)
    except OSError as error:
        raise KernelError("ioctl", error.errno or errno.EIO, f"nsfs {request:#x}") from error


def _open_related(fd: int, request: int) -> int | None:
    try:
        return _ioctl(fd, request)
    except KernelError as error:
        if error.errno == errno.EPERM:
            return None
        raise


def _identify_related(fd: int, request: int) -> NamespaceId | None:
    related = _open_related(fd, request)
    if related is None:
        return None
    try:
        return of_descriptor(related)
    finally:
        os.close(related)
