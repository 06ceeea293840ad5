"""List the changes of an overlay: compare its upper directory with its lower directories.

The kernel's Documentation/filesystems/overlayfs.rst describes the upper directory.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from shellplay.image.overlay_view import is_whiteout, open_beneath

# overlayfs marks an opaque directory with the first attribute; with the second one if the
# mount has the option ``userxattr``, as a mount in a user namespace needs.
OPAQUE_XATTRS = ("trusted.overlay.opaque", "user.overlay.opaque")

StatusTest = Callable[[os.stat_result, os.stat_result], bool]


class ChangeKind(StrEnum):
    """The kind of a change, in the letters of ``docker diff``."""

    ADDED = "A"
    CHANGED = "C"
    DELETED = "D"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One changed path; it begins with a slash."""

    kind: ChangeKind
    path: str


def changes(
    upper: Path, lowers: Sequence[Path], host_names: frozenset[str] | None = None
) -> Iterator[FileChange]:
    """Yield the changes in ``upper``, sorted by name; ``lowers`` begin with the lowest.

    A directory comes before the files in it, and only if its mode, its owner or a file in it
    has changed.  ``host_names`` is None if the root is one overlay.  If each directory in the
    root is an overlay of its own, ``host_names`` are the names in the root that are not
    overlays, but the lower files themselves.
    """
    root = os.open(upper, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if host_names is None:
            yield from _changes_below(root, "", lowers[::-1])
        else:
            yield from _changes_at_root(root, lowers[::-1], host_names)
    finally:
        os.close(root)


def is_opaque(directory: str | int) -> bool:
    """Tell whether a directory of an upper directory hides all lower files in it."""
    by_name = isinstance(directory, str)
    names = os.listxattr(directory, follow_symlinks=not by_name)
    return any(
        name in names and os.getxattr(directory, name, follow_symlinks=not by_name) == b"y"
        for name in OPAQUE_XATTRS
    )


def _changes_below(
    upper: int, directory_path: str, lowers: Sequence[Path]
) -> Iterator[FileChange]:
    # Programs inside may put a link in the place of a directory at any moment.
    with open_beneath(upper, directory_path) as directory:
        found = _statuses(directory)
        hides = directory_path and is_opaque(directory)
    deleted = _lower_names(lowers, directory_path) - found.keys() if hides else set()
    for name in sorted(found.keys() | deleted):
        path = f"{directory_path}/{name}"
        if name in deleted:
            yield FileChange(ChangeKind.DELETED, path)
        else:
            yield from _change_of(upper, path, found[name], lowers)


def _statuses(directory: int) -> dict[str, os.stat_result]:
    with os.scandir(directory) as entries:
        names = [entry.name for entry in entries]
    found = {}
    for name in names:
        with suppress(FileNotFoundError):  # deleted since
            found[name] = os.stat(name, dir_fd=directory, follow_symlinks=False)
    return found


def _changes_at_root(
    upper: int, lowers: Sequence[Path], host_names: frozenset[str]
) -> Iterator[FileChange]:
    found = _statuses(upper)
    names = found.keys() - host_names
    lower_names = _lower_names(lowers, "") - host_names
    for name in sorted(names | lower_names):
        if name not in names:
            yield FileChange(ChangeKind.DELETED, f"/{name}")
        elif name not in lower_names or not _same_link(upper, lowers, name):
            yield from _change_of(upper, f"/{name}", found[name], lowers, _differ_in_mode)


def _same_link(upper: int, lowers: Sequence[Path], name: str) -> bool:
    """Tell whether a symbolic link in the root is a copy of the lower one: same target."""
    directories = (Path(f"/proc/self/fd/{upper}"), *lowers)
    links = [each / name for each in directories if (each / name).is_symlink()]
    return len(links) > 1 and links[0].readlink() == links[1].readlink()


def _differ_in_mode(upper: os.stat_result, lower: os.stat_result) -> bool:
    # The directories in the root were created without the right to chown(2) them.
    return upper.st_mode != lower.st_mode


def _change_of(
    upper: int,
    path: str,
    status: os.stat_result,
    lowers: Sequence[Path],
    differ: StatusTest | None = None,
) -> Iterator[FileChange]:
    differ = differ or _differ_in_mode_or_owner
    lower_status = _lower_status(lowers, path)
    if is_whiteout(status):
        if lower_status is not None:
            yield FileChange(ChangeKind.DELETED, path)
        return
    changes_inside: Iterator[FileChange] = iter(())
    if stat.S_ISDIR(status.st_mode):
        changes_inside = _changes_below(upper, path, lowers)
    if lower_status is None:
        yield FileChange(ChangeKind.ADDED, path)
        yield from changes_inside
        return
    first_inside = next(changes_inside, None)
    if (
        first_inside is not None
        or not stat.S_ISDIR(status.st_mode)
        or differ(status, lower_status)
    ):
        yield FileChange(ChangeKind.CHANGED, path)
    if first_inside is not None:
        yield first_inside
        yield from changes_inside


def _differ_in_mode_or_owner(upper: os.stat_result, lower: os.stat_result) -> bool:
    return (upper.st_mode, upper.st_uid, upper.st_gid) != (
        lower.st_mode,
        lower.st_uid,
        lower.st_gid,
    )


def _lower_status(lowers: Sequence[Path], path: str) -> os.stat_result | None:
    """Return the status that a path has in the lower directories (highest first), or None."""
    for lower in lowers:
        status = _status_in(lower, path)
        if isinstance(status, os.stat_result):
            return status
        if status:
            return None
    return None


def _status_in(lower: Path, path: str) -> os.stat_result | bool:
    """Return the status of a path in one lower directory.

    True if the directory hides the path in those below it too; False if it has no such path.
    """
    file = str(lower)
    parts = path.strip("/").split("/")
    for number, name in enumerate(parts, 1):
        file = f"{file}/{name}"
        try:
            status = os.lstat(file)
        except FileNotFoundError:
            return False
        if is_whiteout(status):
            return True
        if number == len(parts):
            return status
        if not stat.S_ISDIR(status.st_mode):
            return True
    return False


def _lower_names(lowers: Sequence[Path], directory_path: str) -> set[str]:
    candidates = [Path(f"{lower}{directory_path}") for lower in lowers]
    # Only the root may be a symbolic link: that of a descriptor in /proc/self/fd.
    directories = [
        entry
        for entry in candidates
        if entry.is_dir() and not (directory_path and entry.is_symlink())
    ]
    names = {entry.name for directory in directories for entry in directory.iterdir()}
    return {
        name for name in names if _lower_status(lowers, f"{directory_path}/{name}") is not None
    }
