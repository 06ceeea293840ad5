"""Copy files into a container and out of it, without a tool that lives in there.

A process inside may exchange any name for a link meanwhile: each step starts at an open
directory, and follows no link (CVE-2018-15664).
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
from shellplay.kernel.proc_write import open_within

PLACE = os.O_PATH | os.O_DIRECTORY
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
SOURCE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
TARGET = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
CHUNK = 1 << 20


class Side(NamedTuple):
    """A path as a process sees it: its host PID, None for this process.

    With ``contents`` it is a directory whose contents are copied, or that is copied into.
    """

    pid: int | None
    path: PurePosixPath
    contents: bool = False

    @property
    def where(self) -> str:
        """The path in a sentence."""
        return f"{self.path} {'here' if self.pid is None else 'inside'}"


@dataclass
class Copied:
    """How many files were copied, and the names of special files, which were left out."""

    files: int = 0
    left: list[str] = field(default_factory=list)


def copy(source: Side, target: Side) -> Copied:
    """Copy a file or directory: into a directory that is there, else by that name.

    Copies belong to root inside, to the user of this process here.  Raises Refused.
    """
    copied = Copied()
    try:
        if source.path.name in ("", "..") or source.contents:
            _copy_contents(source, target, copied)
            return copied
        with (
            _directory(Side(source.pid, source.path.parent)) as above,
            _target(target, source.path.name) as (there, name),
        ):
            _copy(above, source.path.name, there, name, copied)
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
    with _directory(source) as above:
        if not _is_directory(target):
            with _directory(Side(target.pid, target.path.parent)) as there:
                _copy_directory(above, ".", there, target.path.name, copied)
            return
        with _directory(target) as there:
            _copy_directory(above, ".", there, ".", copied)


@contextmanager
def _target(target: Side, name: str) -> Iterator[tuple[int, str]]:
    """Open the directory to write to, and return it with the new name."""
    if _is_directory(target):
        with _directory(target) as there:
            yield there, name
        return
    if target.contents:
        raise Refused(f"{target.where}: there is no such directory", "leave the / away")
    with _directory(Side(target.pid, target.path.parent)) as there:
        yield there, target.path.name


def _is_directory(side: Side) -> bool:
    try:
        with _directory(side):
            return True
    except Refused:
        return False


@contextmanager
def _directory(side: Side) -> Iterator[int]:
    """Open a directory as its process resolves it: a link inside leads nowhere else."""
    try:
        fd = open_within(side.pid or "self", str(side.path), PLACE)
    except KernelError as error:
        raise Refused(f"{side.where}: {os.strerror(error.errno)}") from error
    try:
        yield fd
    finally:
        os.close(fd)


def _copy(above: int, name: str, there: int, called: str, copied: Copied) -> None:
    found = os.stat(name, dir_fd=above, follow_symlinks=False)
    if stat.S_ISLNK(found.st_mode):
        _remove_link(there, called)
        os.symlink(os.readlink(name, dir_fd=above), called, dir_fd=there)
    elif stat.S_ISDIR(found.st_mode):
        _copy_directory(above, name, there, called, copied)
    elif stat.S_ISREG(found.st_mode):
        _copy_file(above, name, there, called)
        copied.files += 1
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
        mode = stat.S_IMODE(os.fstat(source).st_mode)
        if not _made(there, called, mode):
            mode = -1
        target = os.open(called, DIRECTORY, dir_fd=there)
        try:
            with os.scandir(source) as entries:
                names = sorted(entry.name for entry in entries)
            for each in names:
                _copy(source, each, target, each, copied)
            if mode >= 0:
                os.fchmod(target, mode)
        finally:
            os.close(target)
    finally:
        os.close(source)


def _made(there: int, called: str, mode: int) -> bool:
    try:
        os.mkdir(called, mode | 0o700, dir_fd=there)
    except FileExistsError:
        return False
    return True


def _copy_file(above: int, name: str, there: int, called: str) -> None:
    source = os.open(name, SOURCE, dir_fd=above)
    try:
        found = os.fstat(source)
        _remove_link(there, called)
        target = os.open(called, TARGET, 0o600, dir_fd=there)
        try:
            while chunk := os.read(source, CHUNK):
                while chunk:
                    chunk = chunk[os.write(target, chunk) :]
            os.fchmod(target, stat.S_IMODE(found.st_mode) & 0o777)
            os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
        finally:
            os.close(target)
    finally:
        os.close(source)
