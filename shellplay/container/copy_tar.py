"""Copy files into a container from a tar, and out of it to one: ``cp - NAME:`` and back."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import PurePosixPath
from typing import BinaryIO

from shellplay.container.copy import (
    DIRECTORY,
    SOURCE,
    TARGET,
    Copied,
    Side,
    directory,
    open_file,
)
from shellplay.errors import KernelError, Refused
from shellplay.image.compression import DecompressingReader
from shellplay.image.limits import Limits
from shellplay.image.tar_reader import TarReader, parts_of
from shellplay.kernel.proc_write import open_below

PERMISSIONS = 0o7777


# -- out -------------------------------------------------------------------------------------


def write_tar(source: Side, sink: BinaryIO) -> Copied:
    """Write a file or directory as a tar; raises Refused, and OSError of the sink."""
    copied = Copied()
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        name = "." if source.contents else source.path.name or "."
        if source.followed or source.contents or name == ".":
            fd = open_file(source)
            try:
                _add_open(tar, fd, name, copied)
            finally:
                os.close(fd)
        else:
            with directory(source.at(source.path.parent)) as above:
                _add(tar, above, name, name, copied)
    return copied


def _add(tar: tarfile.TarFile, above: int, name: str, called: str, copied: Copied) -> None:
    try:
        found = os.stat(name, dir_fd=above, follow_symlinks=False)
    except OSError as error:
        raise Refused(f"{called} inside: {error.strerror}") from error
    if stat.S_ISLNK(found.st_mode):
        entry = _entry(called, found, tarfile.SYMTYPE)
        entry.linkname = os.readlink(name, dir_fd=above)
        tar.addfile(entry)
    elif stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode):
        fd = os.open(name, DIRECTORY if stat.S_ISDIR(found.st_mode) else SOURCE, dir_fd=above)
        try:
            _add_open(tar, fd, called, copied)
        finally:
            os.close(fd)
    else:
        copied.left.append(called)


def _add_open(tar: tarfile.TarFile, fd: int, called: str, copied: Copied) -> None:
    found = os.fstat(fd)
    if not stat.S_ISDIR(found.st_mode):
        entry = _entry(called, found, tarfile.REGTYPE)
        entry.size = found.st_size
        with os.fdopen(os.dup(fd), "rb") as content:
            tar.addfile(entry, content)
        copied.files += 1
        return
    tar.addfile(_entry(called, found, tarfile.DIRTYPE))
    with os.scandir(fd) as entries:
        names = sorted(each.name for each in entries)
    for each in names:
        _add(tar, fd, each, f"{called}/{each}", copied)


def _entry(called: str, found: os.stat_result, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(called)
    entry.type = kind
    entry.mode, entry.mtime = stat.S_IMODE(found.st_mode), found.st_mtime
    # Of an ordinary user root inside is that user outside.
    entry.uid, entry.gid = (
        0 if each == os.geteuid() else each for each in (found.st_uid, found.st_gid)
    )
    return entry


# -- in --------------------------------------------------------------------------------------


def read_tar(source: BinaryIO, target: Side) -> Copied:
    """Unpack a tar, which may be compressed, into a directory; raises Refused."""
    copied = Copied()
    with directory(target):
        pass  # It has to be there.
    with os.fdopen(os.dup(source.fileno()), "rb") as file:
        reader = TarReader(DecompressingReader(file), Limits())
        for member in reader:
            try:
                _unpack(reader, member, target, copied)
            except OSError as error:
                raise Refused(f"{member.name[:200]} inside: {error.strerror}") from error
    return copied


def _unpack(reader: TarReader, member: tarfile.TarInfo, target: Side, copied: Copied) -> None:
    parts = parts_of(member.name)
    if not parts:
        return
    place = target.path.joinpath(*parts)
    with _parent(target, place) as above:
        name = parts[-1]
        if not member.isdir():
            _remove(above, name)
        if member.isdir():
            with suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=above)
            _finish(os.open(name, DIRECTORY, dir_fd=above), member)
        elif member.isreg():
            fd = os.open(name, TARGET, 0o600, dir_fd=above)
            _fill(fd, reader.content(member))
            _finish(fd, member)
            copied.files += 1
        elif member.issym():
            os.symlink(member.linkname, name, dir_fd=above)
        elif member.islnk():
            origin = target.path.joinpath(*parts_of(member.linkname))
            with directory(target.at(origin.parent)) as there:
                os.link(
                    origin.name, name, src_dir_fd=there, dst_dir_fd=above, follow_symlinks=False
                )
        else:
            copied.left.append(member.name)


def _parent(target: Side, place: PurePosixPath) -> AbstractContextManager[int]:
    """Open the directory of a place; make what is missing on the way to it."""
    missing = []
    above = place.parent
    while above != target.path and not _is_there(target.at(above)):
        missing.append(above)
        above = above.parent
    for each in reversed(missing):
        with directory(target.at(each.parent)) as there:
            os.mkdir(each.name, 0o755, dir_fd=there)
    return directory(target.at(place.parent))


def _is_there(side: Side) -> bool:
    try:
        os.close(open_below(side.root, str(side.path), os.O_PATH | os.O_DIRECTORY))
    except KernelError:
        return False
    return True


def _remove(above: int, name: str) -> None:
    with suppress(FileNotFoundError, IsADirectoryError):
        os.unlink(name, dir_fd=above)


def _fill(fd: int, content: Iterator[bytes]) -> None:
    for chunk in content:
        view = memoryview(chunk)
        while view:
            view = view[os.write(fd, view) :]


def _finish(fd: int, member: tarfile.TarInfo) -> None:
    """Set owner, mode and time of an open file, and close it."""
    try:
        if os.geteuid() == 0:
            os.fchown(fd, member.uid, member.gid)
        os.fchmod(fd, member.mode & PERMISSIONS)
        os.utime(fd, (member.mtime, member.mtime))
    finally:
        os.close(fd)
