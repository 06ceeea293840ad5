"""Remove a directory that a container has filled, however deep its directories are."""

from __future__ import annotations

import itertools
import os
import stat
from pathlib import Path

from shellplay.errors import Refused

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(path: Path) -> None:
    """Remove a directory with all that is in it; no link in it is followed.

    No process may use it any more.  Raises Refused.
    """
    try:
        _open_up(path)
        top = os.open(path, DIRECTORY)
        try:
            empty(top)
        finally:
            os.close(top)
        path.rmdir()
    except FileNotFoundError:
        return  # Another process removes it, too.
    except OSError as error:
        raise Refused(f"{path} cannot be removed: {error.strerror}", f"rm -r {path}") from error


def empty(top: int) -> None:
    """Remove everything in an open directory; raises OSError.

    Each directory is moved to the top before it is emptied: a path or a recursion could not go
    as deep as a container can.
    """
    numbers = itertools.count()
    taken = set(names_in(top))
    while names := names_in(top):
        for name in names:
            if not _is_directory(name, top):
                os.unlink(name, dir_fd=top)
                continue
            _open_up(name, top)
            fd = os.open(name, DIRECTORY, dir_fd=top)
            try:
                for inner in names_in(fd):
                    if not _is_directory(inner, fd):
                        os.unlink(inner, dir_fd=fd)
                        continue
                    # A directory is moved by who may write to it.
                    _open_up(inner, fd)
                    fresh = next(n for n in map(str, numbers) if n not in taken)
                    os.rename(inner, fresh, src_dir_fd=fd, dst_dir_fd=top)
            finally:
                os.close(fd)
            os.rmdir(name, dir_fd=top)


def names_in(directory: int) -> list[str]:
    """Return the names in an open directory, sorted."""
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries)


def _is_directory(name: str, above: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode)


def _open_up(path: str | Path, above: int | None = None) -> None:
    """Let the owner list a directory and write to it."""
    os.chmod(path, 0o700, dir_fd=above)
