"""Copy files into a container and out of it, without a tool that lives in there.

A process inside may exchange any name for a link meanwhile: each step starts at an open
directory, and follows no link (CVE-2018-15664).  Only the two paths that a user types are
resolved with links, and from the root directory of their side.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from shellplay.errors import KernelError, Refused
from shellplay.kernel.proc_write import open_below

PLACE = os.O_PATH | os.O_DIRECTORY
FOLLOWED = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
SOURCE = FOLLOWED | os.O_NOFOLLOW
THROUGH = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC
TARGET = THROUGH | os.O_NOFOLLOW
SET_IDS = stat.S_ISUID | stat.S_ISGID
CHUNK = 1 << 20


class Side(NamedTuple):
    """A path below a root directory, which is a descriptor; ``here`` is that of the host.

    With ``contents`` it is a directory whose contents are copied, or that is copied into.
    If it is ``followed``, a link at its end leads to what is copied; with a ``slash`` that has
    to be a directory.
    """

    root: int
    path: PurePosixPath
    here: bool
    contents: bool = False
    followed: bool = False
    slash: bool = False

    @property
    def where(self) -> str:
        """The path in a sentence."""
        return f"{self.path} {'here' if self.here else 'inside'}"

    def at(self, path: PurePosixPath) -> Side:
        """Return another path on the same side."""
        return Side(self.root, path, self.here)


@dataclass
class Copied:
    """How many files were copied, the names of special files, which were left out, and of
    files with set-user-ID or set-group-ID.

    With ``owners`` the copies keep their owners; otherwise they belong to root inside, and to
    the user of this process here.
    """

    owners: bool = False
    files: int = 0
    left: list[str] = field(default_factory=list)
    set_ids: list[str] = field(default_factory=list)


def copy(source: Side, target: Side, *, owners: bool = False) -> Copied:
    """Copy a file or directory: into a directory that is there, else by that name.

    A link at the end of ``target`` is followed.  Raises Refused.
    """
    copied = Copied(owners)
    try:
        if source.path.name in ("", "..") or source.contents:
            _copy_contents(source, target, copied)
        elif source.followed:
            _copy_followed(source, target, copied)
        else:
            with (
                directory(source.at(source.path.parent)) as above,
                _place(target, source.path.name) as (place, there),
            ):
                _copy_named(above, source.path.name, place, there, copied)
    except RecursionError as error:
        raise Refused(
            f"{source.where}: there are too many directories in each other"
        ) from error
    except OSError as error:
        side = source if error.filename == source.path.name else target
        raise Refused(f"{side.where}: {error.strerror}") from error
    return copied


def _copy_contents(source: Side, target: Side, copied: Copied) -> None:
    """Copy the contents of a directory to another or a new one."""
    with directory(source) as above:
        if not _is_directory(target):
            with directory(target.at(target.path.parent)) as there:
                _copy_directory(above, ".", there, target.path.name, copied)
            return
        with directory(target) as there:
            _copy_directory(above, ".", there, ".", copied)


def _copy_followed(source: Side, target: Side, copied: Copied) -> None:
    """Copy what the links at the end of a path lead to."""
    found = open_file(source)
    try:
        with _place(target, source.path.name) as (place, there):
            if stat.S_ISDIR(os.fstat(found).st_mode):
                _fill_directory(found, there, place.path.name, copied)
            else:
                _write(found, _open_target(place, there), source.path.name, copied)
    finally:
        os.close(found)


def _copy_named(above: int, name: str, place: Side, there: int, copied: Copied) -> None:
    """Copy an entry of a directory to a place that the user has named."""
    found = os.stat(name, dir_fd=above, follow_symlinks=False)
    if not stat.S_ISREG(found.st_mode):
        _copy(above, name, there, place.path.name, copied)
        return
    source = os.open(name, SOURCE, dir_fd=above)
    try:
        _write(source, _open_target(place, there), name, copied)
    finally:
        os.close(source)


def _open_target(place: Side, there: int) -> int:
    """Open the file to write at a place; a link there is followed from the root of its side."""
    name = place.path.name
    try:
        is_link = stat.S_ISLNK(os.stat(name, dir_fd=there, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        is_link = False
    if not is_link:
        return os.open(name, TARGET, 0o600, dir_fd=there)
    try:
        fd = open_below(place.root, str(place.path), THROUGH, 0o600)
    except KernelError as error:
        raise Refused(f"{place.where}: {os.strerror(error.errno)}") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise Refused(f"{place.where} leads to what is not a file", "another name")
    return fd


@contextmanager
def _place(target: Side, name: str) -> Iterator[tuple[Side, int]]:
    """Yield the place to write to, and the directory that it is in, open."""
    if _is_directory(target):
        with directory(target) as there:
            yield target.at(target.path / name), there
        return
    if target.contents:
        raise Refused(f"{target.where}: there is no such directory", "leave the / away")
    with directory(target.at(target.path.parent)) as there:
        yield target.at(target.path), there


def _is_directory(side: Side) -> bool:
    try:
        with directory(side):
            return True
    except Refused:
        return False


@contextmanager
def directory(side: Side) -> Iterator[int]:
    """Open a directory as its side resolves it: a link inside leads nowhere else."""
    try:
        fd = open_below(side.root, str(side.path), PLACE)
    except KernelError as error:
        raise Refused(f"{side.where}: {os.strerror(error.errno)}") from error
    try:
        yield fd
    finally:
        os.close(fd)


def open_file(side: Side) -> int:
    """Open a file or directory to read it, with links followed; raises Refused."""
    flags = FOLLOWED | (os.O_DIRECTORY if side.slash or side.contents else 0)
    try:
        fd = open_below(side.root, str(side.path), flags)
    except KernelError as error:
        raise Refused(f"{side.where}: {os.strerror(error.errno)}") from error
    if stat.S_IFMT(os.fstat(fd).st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
        os.close(fd)
        raise Refused(f"{side.where} is not a file", "a file or directory")
    return fd


def _copy(above: int, name: str, there: int, called: str, copied: Copied) -> None:
    found = os.stat(name, dir_fd=above, follow_symlinks=False)
    if stat.S_ISLNK(found.st_mode):
        _remove_link(there, called)
        os.symlink(os.readlink(name, dir_fd=above), called, dir_fd=there)
        if copied.owners:
            os.chown(called, found.st_uid, found.st_gid, dir_fd=there, follow_symlinks=False)
    elif stat.S_ISDIR(found.st_mode):
        _copy_directory(above, name, there, called, copied)
    elif stat.S_ISREG(found.st_mode):
        source = os.open(name, SOURCE, dir_fd=above)
        try:
            _remove_link(there, called)
            _write(source, os.open(called, TARGET, 0o600, dir_fd=there), name, copied)
        finally:
            os.close(source)
    else:
        copied.left.append(name)


def _remove_link(there: int, called: str) -> None:
    try:
        if stat.S_ISLNK(os.stat(called, dir_fd=there, follow_symlinks=False).st_mode):
            os.unlink(called, dir_fd=there)
    except FileNotFoundError:
        return


def _copy_directory(above: int, name: str, there: int, called: str, copied: Copied) -> None:
    source = os.open(name, DIRECTORY, dir_fd=above)
    try:
        _fill_directory(source, there, called, copied)
    finally:
        os.close(source)


def _fill_directory(source: int, there: int, called: str, copied: Copied) -> None:
    """Copy what is in an open directory to another or a new one."""
    found = os.fstat(source)
    is_new = _made(there, called, stat.S_IMODE(found.st_mode))
    target = os.open(called, DIRECTORY, dir_fd=there)
    try:
        with os.scandir(source) as entries:
            names = sorted(entry.name for entry in entries)
        for each in names:
            _copy(source, each, target, each, copied)
        if is_new:
            _finish(target, found, copied)
    finally:
        os.close(target)


def _made(there: int, called: str, mode: int) -> bool:
    try:
        os.mkdir(called, mode | 0o700, dir_fd=there)
    except FileExistsError:
        return False
    return True


def _write(source: int, target: int, name: str, copied: Copied) -> None:
    """Copy an open file to another, which is closed."""
    try:
        found = os.fstat(source)
        while chunk := os.read(source, CHUNK):
            while chunk:
                chunk = chunk[os.write(target, chunk) :]
        _finish(target, found, copied)
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
    finally:
        os.close(target)
    copied.files += 1
    if found.st_mode & SET_IDS:
        copied.set_ids.append(name)


def _finish(target: int, found: os.stat_result, copied: Copied) -> None:
    if copied.owners:
        os.fchown(target, found.st_uid, found.st_gid)
    # After fchown(2), which clears the set-user-ID bit.
    os.fchmod(target, stat.S_IMODE(found.st_mode))
