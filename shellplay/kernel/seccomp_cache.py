"""Filters that were compiled before, as files of the user's own, in XDG_CACHE_HOME.

To compile Docker's takes some 15 ms, to read it back less than one.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import struct
from pathlib import Path

from shellplay import __version__
from shellplay.kernel import private_files

SIZE = struct.calcsize("=HBBI")
LONGEST = 4096 * SIZE  # BPF_MAXINSNS, see linux/bpf_common.h
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
    content = private_files.load(str(path), DIGEST + LONGEST + 1) or b""
    digest, program = content[:DIGEST], content[DIGEST:]
    whole = program and len(program) <= LONGEST and len(program) % SIZE == 0
    return program if whole and digest == hashlib.sha256(program).digest() else None


def save(path: Path, program: bytes) -> None:
    """Keep a filter."""
    private_files.save(str(path), hashlib.sha256(program).digest() + program)
