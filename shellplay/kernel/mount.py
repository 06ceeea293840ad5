"""System calls for mounts and mount points, with their man-page names.

A ``Caller`` makes them: descriptors are numbers in its process.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from shellplay.errors import KernelError, UsageError
from shellplay.kernel import constants as k

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller

# struct mount_attr: attributes to set, attributes to clear, propagation, user namespace.
_ATTRIBUTES = struct.Struct("QQQQ")


def open_tree(
    caller: Caller, path: str, *, recursive: bool = False, at: int = k.AT_FDCWD
) -> int:
    """Copy the mount at a path as a detached mount, open_tree(2); return its descriptor.

    With ``recursive`` the mounts below it are copied too.
    """
    flags = k.OPEN_TREE_CLONE | k.OPEN_TREE_CLOEXEC | (k.AT_RECURSIVE if recursive else 0)
    flags |= 0 if path else k.AT_EMPTY_PATH
    names = ["OPEN_TREE_CLONE", *(["AT_RECURSIVE"] if recursive else [])]
    return caller.call(
        "open_tree", at, os.fsencode(path), flags, subject=path or f"fd {at}",
        shown=[path or str(at), "|".join(names)],
    )  # fmt: skip


def move_mount(
    caller: Caller, tree: int, target: str, *, of: str, follow: bool = False
) -> None:
    """Attach a detached mount at a path, move_mount(2).

    ``of`` is the path that was copied.  With ``follow`` the target may end in a symbolic
    link.
    """
    flags = k.MOVE_MOUNT_F_EMPTY_PATH | (k.MOVE_MOUNT_T_SYMLINKS if follow else 0)
    caller.call(
        "move_mount", tree, b"", k.AT_FDCWD, os.fsencode(target), flags, subject=target,
        shown=[of, target], same_as=f"mount --bind {of} {target}",
    )  # fmt: skip


# Flags of mount(2) for a mount with data files only.
QUIET = k.MS_NOSUID | k.MS_NODEV | k.MS_NOEXEC
# The same as options, and read-only.
READ_ONLY_OPTIONS = ("ro", "nosuid", "nodev", "noexec")
# Options of mount(8) and their attributes.
ATTRIBUTES = {
    "ro": k.MOUNT_ATTR_RDONLY,
    "nosuid": k.MOUNT_ATTR_NOSUID,
    "nodev": k.MOUNT_ATTR_NODEV,
    "noexec": k.MOUNT_ATTR_NOEXEC,
}


def mount_setattr(
    caller: Caller, at: int, path: str, *options: str, recursive: bool = False
) -> None:
    """Set some of ``ATTRIBUTES`` on a mount, mount_setattr(2); needs Linux 5.12.

    With ``recursive`` the mounts below it get them too.
    """
    flags = (k.AT_RECURSIVE if recursive else 0) | (0 if path else k.AT_EMPTY_PATH)
    attributes = _ATTRIBUTES.pack(sum(ATTRIBUTES[each] for each in options), 0, 0, 0)
    names = (f"MOUNT_ATTR_{'RDONLY' if each == 'ro' else each.upper()}" for each in options)
    caller.call(
        "mount_setattr", at, os.fsencode(path), flags, bytearray(attributes), len(attributes),
        subject=path or f"fd {at}", shown=[path or str(at), "|".join(names)],
        same_as=f"mount -o remount,bind,{','.join(options)} {path}" if path else None,
    )  # fmt: skip


def map_owners(caller: Caller, tree: int, users: int, *, of: str) -> None:
    """Map the owners of files in a detached mount, MOUNT_ATTR_IDMAP in mount_setattr(2).

    ``users`` is a descriptor of a user namespace with the maps; ``of`` is the path that was
    copied.  Needs Linux 5.12.
    """
    flags = k.AT_RECURSIVE | k.AT_EMPTY_PATH
    attributes = _ATTRIBUTES.pack(k.MOUNT_ATTR_IDMAP, 0, 0, users)
    caller.call(
        "mount_setattr", tree, b"", flags, bytearray(attributes), len(attributes),
        subject=of, shown=[of, "MOUNT_ATTR_IDMAP"],
        same_as=f"mount --bind -o X-mount.idmap=/proc/PID/ns/user {of} DIRECTORY",
    )  # fmt: skip


def umask(caller: Caller, mask: int) -> int:
    """Set the mask of modes for new files, umask(2); return the old mask."""
    return caller.call("umask", mask, shown=[f"{mask:#o}"])


def mkdirat(caller: Caller, path: str, mode: int = 0o755, *, exist_ok: bool = False) -> None:
    """Make a directory, mkdir(2); with ``exist_ok`` an existing file is not an error."""
    caller.call(
        "mkdirat", k.AT_FDCWD, os.fsencode(path), mode, subject=path,
        shown=[path, f"{mode:#o}"], same_as=f"mkdir {path}",
        accepted=(errno.EEXIST,) if exist_ok else (),
    )  # fmt: skip


def symlinkat(caller: Caller, target: str, path: str) -> None:
    """Make a symbolic link, symlink(2)."""
    caller.call(
        "symlinkat", os.fsencode(target), k.AT_FDCWD, os.fsencode(path), subject=path,
        shown=[target, path], same_as=f"ln -s {target} {path}",
    )  # fmt: skip


def copy_devices(caller: Caller, nodes: Sequence[tuple[str, tuple[int, int]]]) -> list[int]:
    """Copy device nodes as detached mounts; return their descriptors, which must be closed.

    A node is a path and its device number.  Raises KernelError (ENODEV) if the path leads to
    another file: a process inside may have replaced it.
    """
    trees: list[int] = []
    try:
        with caller.together() as trees:
            for path, _ in nodes:
                open_tree(caller, path)
        for tree, (path, number) in zip(trees, nodes, strict=True):
            found = os.stat(f"/proc/{caller.pid}/fd/{tree}")
            if not stat.S_ISCHR(found.st_mode) or found.st_rdev != os.makedev(*number):
                raise KernelError("open_tree", errno.ENODEV, path)
    except (KernelError, OSError):
        with caller.together():
            for tree in trees:
                caller.close(tree)
        raise
    return trees


def mknodat(caller: Caller, path: str, *, exist_ok: bool = False) -> None:
    """Make an empty file as a mount point, mknod(2); ``exist_ok`` as in mkdirat."""
    caller.call(
        "mknodat", k.AT_FDCWD, os.fsencode(path), stat.S_IFREG | 0o644, 0, subject=path,
        shown=[path, "S_IFREG"], same_as=f"touch {path}",
        accepted=(errno.EEXIST,) if exist_ok else (),
    )  # fmt: skip


def target_path(target: str) -> str:
    """Return a target path without empty parts and ``.``; raise UsageError if it is invalid."""
    parts = _parts(target)
    if not target.startswith("/") or ".." in parts or not parts:
        raise UsageError(f"{target!r} is not a place to mount at", "a path inside, like /src")
    return f"/{'/'.join(parts)}"


def mount_memory(
    caller: Caller, path: str, options: str, *, read_only: bool, allowed: Sequence[str] = ()
) -> None:
    """Mount a tmpfs at a path; make the mount point if it is missing.

    The mount is ``noexec`` and ``nosuid``, unless ``allowed`` has ``exec`` or ``suid``.
    """
    make_mount_point(caller, path, directory=True)
    flags = k.MS_NODEV | (k.MS_RDONLY if read_only else 0)
    flags |= (0 if "exec" in allowed else k.MS_NOEXEC) | (
        0 if "suid" in allowed else k.MS_NOSUID
    )
    caller.mount("tmpfs", path, "tmpfs", flags, options or None)


def attach(caller: Caller, tree: int, path: str, *, of: str | os.PathLike[str]) -> None:
    """Attach a detached mount at a path; make the mount point if it is missing.

    ``of`` is the path that was copied.
    """
    make_mount_point(caller, path, directory=os.path.isdir(of))
    # The caller resolves links from the container root, so no link leads to the host.
    move_mount(caller, tree, path, of=str(of), follow=True)


def make_mount_point(caller: Caller, path: str, *, directory: bool) -> None:
    """Make a mount point, and the directories above it that are missing."""
    with caller.together():
        make_parents(caller, path)
        if directory:
            mkdirat(caller, path, exist_ok=True)
        else:
            mknodat(caller, path, exist_ok=True)


def make_parents(caller: Caller, path: str) -> None:
    """Make the missing directories above a path."""
    above = ""
    for each in _parts(path)[:-1]:
        above = f"{above}/{each}"
        mkdirat(caller, above, exist_ok=True)


def _parts(path: str) -> list[str]:
    return [each for each in path.split("/") if each not in ("", ".")]
