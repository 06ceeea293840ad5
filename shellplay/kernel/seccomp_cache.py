"""Filters that were compiled before, as files of the user's own, in XDG_CACHE_HOME.

To compile Docker's takes some 15 ms, to read it back less than one.  What cannot be
written is not: the next time it is compiled again.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import stat
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from shellplay import __version__

SIZE = struct.calcsize("=HBBI")
LONGEST = 4096 * SIZE  # BPF_MAXINSNS, see linux/bpf_common.h
PRIVATE = 0o700
DIGEST = hashlib.sha256().digest_size


class _Version(ctypes.Structure):
    _fields_ = (("major", ctypes.c_uint), ("minor", ctypes.c_uint), ("micro", ctypes.c_uint))


def place(rules: object) -> Path | None:
    """Return where the filter of some rules is kept; None if it is not to be kept.

    ``rules`` are the same if their ``repr`` is.  The same rules are another filter for
    another processor, libseccomp or shellplay.
    """
    try:
        version = ctypes.CDLL("libseccomp.so.2").seccomp_version
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except (OSError, AttributeError, RuntimeError):
        return None  # No libseccomp, an old one, or no home.
    version.restype = ctypes.POINTER(_Version)
    library = version().contents
    about = (
        *(__version__, os.uname().machine, library.major, library.minor, library.micro),
        repr(rules),
    )
    name = hashlib.sha256(repr(about).encode()).hexdigest()
    return base / "shellplay" / "filters" / f"{name}.bpf" if base.is_absolute() else None


def load(path: Path) -> bytes | None:
    """Return a filter that is kept, if it is whole, and only this user can have written it."""
    try:
        if not _is_ours(path.parent.stat(), stat.S_ISDIR):
            return None
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with open(fd, "rb") as file:
        if not _is_ours(os.fstat(fd), stat.S_ISREG):
            return None
        content = file.read(DIGEST + LONGEST + 1)
    digest, program = content[:DIGEST], content[DIGEST:]
    whole = program and len(program) <= LONGEST and len(program) % SIZE == 0
    return program if whole and digest == hashlib.sha256(program).digest() else None


def save(path: Path, program: bytes) -> None:
    """Keep a filter, whole or not at all."""
    coming = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    # With a full or read-only disk, or the directory of another user, nothing is kept.
    with suppress(OSError):
        path.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        if not _is_ours(path.parent.stat(), stat.S_ISDIR):
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            with open(os.open(coming, flags, 0o600), "wb") as file:
                file.write(hashlib.sha256(program).digest() + program)
            coming.rename(path)
        finally:
            coming.unlink(missing_ok=True)


def _is_ours(found: os.stat_result, is_kind: Callable[[int], bool]) -> bool:
    private = found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return is_kind(found.st_mode) and private
