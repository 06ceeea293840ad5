"""Compiled seccomp filters in files below XDG_CACHE_HOME.

To compile the profile of Docker takes about 15 ms, to read the file less than 1 ms.
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
    """Return the path of the file for the filter of ``rules``; None if it is not cached.

    The name is a hash of the ``repr`` of the rules, the processor, and the versions of
    libseccomp and shellplay.
    """
    try:
        version = ctypes.CDLL("libseccomp.so.2").seccomp_version
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except (OSError, AttributeError, RuntimeError):
        return None  # libseccomp is missing or old, or the user has no home directory.
    version.restype = ctypes.POINTER(_Version)
    library = version().contents
    about = (
        *(__version__, os.uname().machine, library.major, library.minor, library.micro),
        repr(rules),
    )
    name = hashlib.sha256(repr(about).encode()).hexdigest()
    return base / "shellplay" / "filters" / f"{name}.bpf" if base.is_absolute() else None


def load(path: Path) -> bytes | None:
    """Return the filter in a file.

    None if the file is missing or damaged, or if another user may have written it.
    """
    content = private_files.load(str(path), DIGEST + LONGEST + 1) or b""
    digest, program = content[:DIGEST], content[DIGEST:]
    whole = program and len(program) <= LONGEST and len(program) % SIZE == 0
    return program if whole and digest == hashlib.sha256(program).digest() else None


def save(path: Path, program: bytes) -> None:
    """Write a filter and its digest to a file."""
    private_files.save(str(path), hashlib.sha256(program).digest() + program)
