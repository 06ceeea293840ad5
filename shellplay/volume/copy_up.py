"""Copy the files of an image to a new volume, as Docker does.

The source is a directory in the root of a container, the target an empty volume: each step
starts at an open directory, and follows no link.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from shellplay.errors import KernelError, Refused
from shellplay.image.file_metadata import Metadata
from shellplay.kernel.proc_write import open_within
from shellplay.volume.removal import empty, names_in
from shellplay.volume.store import Volume, VolumeStore

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
CHUNK = 1 << 20


def copy_up(store: VolumeStore, volume: Volume, pid: int, path: str) -> None:
    """Copy what a process sees below a path to a volume, if that is empty.

    A path that is not a directory has nothing to copy.  Raises Refused, and then the volume is
    empty again.
    """
    with store.copying(volume), _opened(str(volume.path), DIRECTORY, None) as target:
        if names_in(target):
            return
        try:
            source = open_within(pid, path, os.O_RDONLY | os.O_DIRECTORY)
        except KernelError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES):
                return
            raise
        try:
            _copy_contents(source, target)
        except (OSError, RecursionError) as error:
            empty(target)
            raise Refused(
                f"{path} cannot be copied to the volume {volume.name}: {_reason(error)}",
                f"-v {volume.name}:{path}:nocopy",
            ) from error
        finally:
            os.close(source)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return os.strerror(error.errno or errno.EIO)
    return "its directories are too deep"


def _copy_contents(source: int, target: int) -> None:
    """Copy what is in a directory, and then the metadata of the directory itself."""
    for name in names_in(source):
        found = os.stat(name, dir_fd=source, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            os.mkdir(name, 0o700, dir_fd=target)
            with (
                _opened(name, DIRECTORY, source) as inner,
                _opened(name, DIRECTORY, target) as there,
            ):
                _copy_contents(inner, there)
        elif stat.S_ISREG(found.st_mode):
            with _opened(name, FILE, source) as old, _opened(name, NEW, target) as new:
                _copy_data(old, new)
                Metadata.of_file(old).apply_to(new)
        elif stat.S_ISLNK(found.st_mode):
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
            _take_owner(found, name, target)
        elif stat.S_ISFIFO(found.st_mode):
            os.mkfifo(name, stat.S_IMODE(found.st_mode), dir_fd=target)
            _take_owner(found, name, target)
        # Sockets and devices are of no use there: no device of a volume can be opened.
    Metadata.of_file(source).apply_to(target)


@contextmanager
def _opened(name: str, flags: int, directory: int | None) -> Iterator[int]:
    fd = os.open(name, flags, 0o600, dir_fd=directory)
    try:
        yield fd
    finally:
        os.close(fd)


def _take_owner(found: os.stat_result, name: str, directory: int) -> None:
    Metadata(
        stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, found.st_mtime_ns
    ).apply_to_name(name, directory)


def _copy_data(source: int, target: int) -> None:
    """Copy a file with its holes, lseek(2): a hole takes no room."""
    size, at = os.fstat(source).st_size, 0
    while at < size:
        try:
            begin = os.lseek(source, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            break  # Only a hole is left.
        at = os.lseek(source, begin, os.SEEK_HOLE)
        os.lseek(source, begin, os.SEEK_SET)
        os.lseek(target, begin, os.SEEK_SET)
        left = at - begin
        while left and (chunk := os.read(source, min(CHUNK, left))):
            left -= len(chunk)
            while chunk:
                chunk = chunk[os.write(target, chunk) :]
        if left:
            return  # It has become shorter meanwhile.
    os.ftruncate(target, size)
