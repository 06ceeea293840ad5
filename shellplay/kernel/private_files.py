"""Cache files that only their user can read and write.

A file that cannot be written is skipped: the next process computes its content again.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PRIVATE = 0o700


def load(path: str, longest: int) -> bytes | None:
    """Return the first ``longest`` bytes of a file.

    None if the file is missing, or if another user may have written it.
    """
    try:
        if not _is_private(os.stat(os.path.dirname(path)), stat.S_ISDIR):
            return None
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if not _is_private(os.fstat(fd), stat.S_ISREG):
        os.close(fd)
        return None
    with open(fd, "rb") as file:
        return file.read(longest)


def save(path: str, content: bytes) -> None:
    """Write a file completely or not at all; make its directory if it is missing."""
    directory, name = os.path.split(path)
    coming = os.path.join(directory, f".{name}.{os.urandom(6).hex()}")
    # On a full or read-only disk, or in a directory of another user, no file is written.
    with suppress(OSError):
        os.makedirs(os.path.dirname(directory), exist_ok=True)
        with suppress(FileExistsError):
            os.mkdir(directory, PRIVATE)
        if not _is_private(os.stat(directory), stat.S_ISDIR):
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            with open(os.open(coming, flags, 0o600), "wb") as file:
                file.write(content)
            os.rename(coming, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(coming)


def _is_private(found: os.stat_result, is_kind: Callable[[int], bool]) -> bool:
    private = found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return is_kind(found.st_mode) and private
