"""Build the tree of a new root, and bring into it what of the host is needed there.

What is written goes to a file system in memory that is mounted in the new namespace only:
it ends with that, whoever is killed, and it takes what the host's own root may not, which
may be an overlay itself.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shellplay.errors import KernelError, Refused
from shellplay.fences.rootfs import KERNELS, is_of_kernel
from shellplay.kernel import constants as k
from shellplay.kernel import idmap, mountinfo, procfs
from shellplay.kernel import mount as mount_calls
from shellplay.kernel.idmap import MapRange
from shellplay.kernel.mountinfo import Mount

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller

# Mounted over, in the new namespace, where there is nothing that the new tree needs.
STAGE = "/sys"
TREE, UPPER, WORK = f"{STAGE}/root", f"{STAGE}/upper", f"{STAGE}/work"
EVERYBODY = [MapRange(0, 0, 2**32 - 1)]
# What overlayfs says of a directory that it cannot be over: a file system without what it
# takes, one overlay too many, mounts that hold together, the FUSE of another user.  The last
# two are said by a kernel without overlayfs.
UNFIT = (errno.EINVAL, errno.EACCES, errno.ESTALE, errno.ENODEV, errno.EOPNOTSUPP)


def may_see_below_mounts(caller: Caller) -> bool:
    """Tell whether the caller may bind / without what is mounted on it.

    In a user namespace the mounts of the host hold together, see mount_namespaces(7).
    """
    return idmap.uid_map(caller.pid) == EVERYBODY


@contextmanager
def stage(
    caller: Caller, paths: Sequence[str], room: int | None = None
) -> Iterator[dict[str, int]]:
    """Mount, for the block, the memory that takes what is written and the new tree.

    ``room`` is how many bytes can be written, None for what the kernel gives.  Yields detached
    copies of the host's directories ``paths``, as descriptors of the caller.
    In the block its umask is 0.
    """
    made: list[int] = []
    try:
        with caller.together() as made:
            mount_calls.umask(caller, 0)
            # What is mounted from here on must not show in the namespace before.
            caller.mount(None, "/", None, k.MS_REC | k.MS_PRIVATE)
            trees = {path: _copy(caller, path) for path in paths}
            # The nodes are used as ever, but rm(1) inside cannot take them from the host.
            mount_calls.mount_setattr(caller, trees["/dev"], "", "ro", recursive=True)
            size = "" if room is None else f",size={room}"
            caller.mount("tmpfs", STAGE, "tmpfs", k.MS_NOSUID, f"mode=755{size}")
            for path in (TREE, UPPER, WORK):
                mount_calls.mkdirat(caller, path)
        yield dict(zip(paths, made[2:], strict=False))
    finally:
        with caller.together():
            for tree in made[2 : 2 + len(paths)]:
                caller.close(tree)
            for mask in made[:1]:
                mount_calls.umask(caller, mask)


def overlay(caller: Caller, lowers: Sequence[Path]) -> bool:
    """Mount the tree: the lower directories, and what is written over them.

    Return False if there can be no overlay over a single one.
    """
    # mount(2) takes a page of options: short names leave room for more layers.
    if len(lowers) > 1:
        caller.chdir(str(lowers[0].parent))
        names = [each.name for each in reversed(lowers)]
    else:
        names = [str(lowers[0])]
    _copy_mode_and_owner(caller, lowers[-1])
    try:
        _overlay(caller, ":".join(map(_escaped, names)), TREE, UPPER, WORK)
    except KernelError as error:
        if len(lowers) > 1 or error.errno not in UNFIT:
            raise
        return False
    return True


def _copy_mode_and_owner(caller: Caller, lower: Path) -> None:
    """Give the upper directory, which is what / shows, the mode and owner of the one below.

    Before the mount: overlayfs keeps a copy of both.
    """
    upper = Path(f"/proc/{caller.pid}/root{UPPER}")
    below = Path(f"/proc/{caller.pid}/root{lower}").stat()
    if may_see_below_mounts(caller):
        # Behind a user fence that owner would be nobody, and root inside could not write there.
        os.chown(upper, below.st_uid, below.st_gid)
    upper.chmod(stat.S_IMODE(below.st_mode))


def copy_time(caller: Caller, lower: Path) -> None:
    """Give the new root the modification time of the directory below it.

    Last: each directory that is made in there changes it.
    """
    changed = lower.stat().st_mtime_ns
    os.utime(f"/proc/{caller.pid}/root", ns=(changed, changed))


def overlay_host(caller: Caller) -> list[str] | None:
    """Mount the tree over / with what is mounted below it; return sentences about the rest.

    Return None if there can be no overlay over /.
    """
    points = _mounted_below_root(caller)
    for point in points:
        _room_for(caller, point)
    if not overlay(caller, [Path("/")]):
        return None
    fixed = [
        point
        for number, point in enumerate(points)
        if not _overlay_mount(caller, point, f"{STAGE}/work-{number}")
    ]
    return [f"{', '.join(fixed)}: read-only, as no overlay can be over it"] if fixed else []


def _overlay_mount(caller: Caller, point: str, work: str) -> bool:
    there = f"{TREE}{point}"
    if not Path(f"/proc/{caller.pid}/root{point}").is_dir():
        _bind_read_only(caller, point, there)
        return False
    mount_calls.mkdirat(caller, work, 0o700)
    return _overlay_or_bind(caller, point, there, f"{UPPER}{point}", work)


def _mounted_below_root(caller: Caller) -> list[str]:
    """Return the paths that show a mount of their own, outer ones first."""
    return sorted(
        each.point
        for each in mountinfo.mounts(caller.pid) or ()
        if each.point != "/" and each.kind != "autofs"
        if not is_of_kernel(each.point)
        if _shows(caller, each)
    )


def _shows(caller: Caller, mount: Mount) -> bool:
    """Tell whether a mount is what its path leads to: another may lie over it."""
    try:
        fd = os.open(f"/proc/{caller.pid}/root{mount.point}", os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return False  # It is gone, or lies under another.
    try:
        return mountinfo.mount_of(fd) == mount.id
    finally:
        os.close(fd)


def _room_for(caller: Caller, point: str) -> None:
    """Make the directory that takes what is written below a mount, as its place is seen."""
    for at in (*reversed(PurePosixPath(point).parents[:-1]), PurePosixPath(point)):
        there = Path(f"/proc/{caller.pid}/root{UPPER}{at}")
        was = Path(f"/proc/{caller.pid}/root{at}").stat()
        if stat.S_ISDIR(was.st_mode) and not there.exists():
            mount_calls.mkdirat(caller, f"{UPPER}{at}", stat.S_IMODE(was.st_mode))
            os.chown(there, was.st_uid, was.st_gid)


def overlay_each(caller: Caller, lower: Path) -> tuple[frozenset[str], list[str]]:
    """Mount an overlay for each directory in a lower one, read-only where there can be none.

    What is written to / itself goes to the same directory as what is written to those below.
    Returns the names there that are still those below, and sentences about what cannot be
    changed.
    """
    caller.mount(UPPER, TREE, None, k.MS_BIND)
    fixed: list[str] = []
    files: list[str] = []
    with os.scandir(f"/proc/{caller.pid}/root{lower}") as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path, there = f"/{entry.name}", f"{TREE}/{entry.name}"
        if path in KERNELS:
            continue
        if entry.is_symlink():
            mount_calls.symlinkat(caller, str(Path(entry.path).readlink()), there)
        elif entry.is_dir():
            if not _overlay_one(caller, lower / entry.name, there):
                fixed.append(path)
        elif entry.is_file():
            mount_calls.mknodat(caller, there)
            _bind_read_only(caller, str(lower / entry.name), there)
            files.append(path)
    told = []
    if not may_see_below_mounts(caller):
        told.append(
            "what belongs to others, and what is in their directories, cannot be changed"
        )
    if fixed:
        host = lower == Path("/")
        reason = "the host has mounts in there" if host else "no overlay can be over it"
        told.append(f"{', '.join(fixed)}: read-only, as {reason}")
    if files:
        told.append(f"{', '.join(files)}: read-only, as a file has no overlay")
    return frozenset(path[1:] for path in (*KERNELS, *fixed, *files)), told


def _overlay_one(caller: Caller, lower: Path, there: str) -> bool:
    upper, work = f"{UPPER}/{lower.name}", f"{WORK}/{lower.name}"
    mode = stat.S_IMODE(Path(f"/proc/{caller.pid}/root{lower}").stat().st_mode)
    for path, bits in ((upper, mode), (work, 0o700)):
        mount_calls.mkdirat(caller, path, bits, exist_ok=True)
    return _overlay_or_bind(caller, str(lower), there, upper, work)


def _overlay_or_bind(caller: Caller, lower: str, there: str, upper: str, work: str) -> bool:
    """Mount a directory so that it can be written, or else as it is; tell which."""
    try:
        _overlay(caller, _escaped(lower), there, upper, work)
    except KernelError as error:
        if error.errno not in UNFIT:
            raise
        _bind_read_only(caller, lower, there)
        return False
    return True


def _bind_read_only(caller: Caller, path: str, there: str) -> None:
    caller.mount(path, there, None, k.MS_BIND | k.MS_REC)
    mount_calls.mount_setattr(caller, k.AT_FDCWD, there, "ro", recursive=True)


def _overlay(caller: Caller, lower: str, target: str, upper: str, work: str) -> None:
    data = f"lowerdir={lower},upperdir={upper},workdir={work}"
    if not may_see_below_mounts(caller):
        # Without privileges over the file system overlayfs keeps its notes in user.* names.
        data += ",userxattr"
    caller.mount("overlay", target, "overlay", 0, data)


def _escaped(path: str) -> str:
    for special in "\\:,":
        path = path.replace(special, f"\\{special}")
    return path


def _copy(caller: Caller, path: str) -> int:
    # Below /sys there are file systems in which root could delete: these stay out.
    recursive = path != "/sys" or not may_see_below_mounts(caller)
    return mount_calls.open_tree(caller, path, recursive=recursive)


def make_root(caller: Caller, trees: dict[str, int], *, directory: str | None) -> None:
    """Make the new tree the root by pivot_root(2), and attach the copies there.

    The root before is unmounted.  Missing directories for the copies are made; Refused if the
    tree is a ``directory`` of the host, where they would be left.
    """
    missing = _missing_directories(caller)
    if missing and directory is not None:
        directory = directory.rstrip("/")
        raise Refused(
            f"root: {directory} has no {', '.join(missing)} to mount on",
            f"mkdir {' '.join(directory + path for path in missing)}",
        )
    with caller.together():
        caller.chdir(TREE)
        # Over itself: so no directory for the old root is needed, pivot_root(2).
        caller.pivot_root(".", ".")
        caller.umount2(".", k.MNT_DETACH)
        caller.chdir("/")
        for path in missing:
            mount_calls.mkdirat(caller, path)
        for path, tree in trees.items():
            mount_calls.move_mount(caller, tree, path, of=path)
        if os.path.isdir(f"/proc/{caller.pid}/fd/{trees['/dev']}/shm"):
            caller.mount("tmpfs", "/dev/shm", "tmpfs", k.MS_NOSUID | k.MS_NODEV, "mode=1777")


def _missing_directories(caller: Caller) -> list[str]:
    """Return which directories of the kernel the new tree has not.

    Raises Refused if another file is in their place.
    """
    missing = []
    for path in KERNELS:
        try:
            found = os.lstat(f"/proc/{caller.pid}/root{TREE}{path}")
        except FileNotFoundError:
            missing.append(path)
        else:
            if not stat.S_ISDIR(found.st_mode):
                # What is mounted there would be somewhere else, or nowhere.
                raise Refused(f"root: {path} is not a directory in it", "take another tree")
    return missing


def make_read_only(caller: Caller) -> None:
    """Make every mount of the new tree read-only, but for what the kernel shows as files."""
    _restrict(caller, "ro")


def forbid_devices(caller: Caller) -> None:
    """Have no device be opened in the new tree but for those in /dev."""
    _restrict(caller, "nodev")


def _restrict(caller: Caller, option: str) -> None:
    with caller.together():
        for each in mountinfo.mounts(caller.pid) or ():
            # A mount under another mount has no path, so no process can reach it.
            if not is_of_kernel(each.point) and _shows(caller, each):
                mount_calls.mount_setattr(caller, k.AT_FDCWD, each.point, option)


def open_paths(pid: int) -> dict[int, str]:
    """Return the files and directories that a process has open, by descriptor."""
    return {
        number: path
        for number, path in procfs.fds(pid).items()
        if path.startswith("/") and not Path(f"/proc/{pid}/fd/{number}").is_char_device()
    }


def reopen(caller: Caller, paths: dict[int, str]) -> list[str]:
    """Have open directories lead into the tree that the caller is in, or else nowhere.

    By a directory one comes out of a root, see fchdir(2).  A file is left open: it leads to
    itself only.  Returns sentences about all of them.
    """
    told = []
    for number, path in paths.items():
        if not Path(f"/proc/{caller.pid}/fd/{number}").is_dir():
            told.append(f"fd {number} is still {path} of the other root: close it")
            continue
        try:
            there = caller.openat2(
                k.AT_FDCWD, path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, 0
            )
        except KernelError as error:
            caller.close(number)
            told.append(f"fd {number} led to {path} of the other root, so it was closed")
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EACCES):
                raise
            continue
        caller.dup3(there, number)
        caller.close(there)
        told.append(f"fd {number} led to {path} of the other root, and was moved here")
    return told
