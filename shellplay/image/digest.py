"""Digests, the names of blobs: ``sha256:`` and 64 hexadecimal digits.

See the OCI image-spec, descriptor.md, "Digests".
"""

from __future__ import annotations

import hashlib
import re
from typing import Protocol

from shellplay.errors import Refused

ALGORITHM = "sha256"
CHUNK = 1 << 20
_FORM = re.compile(r"sha256:[0-9a-f]{64}")


class Readable(Protocol):
    """A source of bytes, such as a file opened for reading."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, and ``b""`` at the end."""


class Corrupt(Refused):
    """A blob or an archive does not match its digest, its format or the limits."""


def is_digest(text: str) -> bool:
    """Tell whether a text is a complete sha256 digest."""
    return _FORM.fullmatch(text) is not None


def digest_of(data: bytes) -> str:
    """Return the digest of some bytes."""
    return f"{ALGORITHM}:{hashlib.sha256(data).hexdigest()}"


def hexadecimal(digest: str) -> str:
    """Return the 64 digits of a digest, which are safe as a file name; raises Corrupt."""
    if not is_digest(digest):
        raise Corrupt(f"{digest[:100]!r} is not a sha256 digest")
    return digest.partition(":")[2]


def short_digest(digest: str) -> str:
    """Return the first 12 digits of a digest, as tables show it; raises Corrupt."""
    return hexadecimal(digest)[:12]


class HashingReader:
    """Passes the bytes of a source on, and counts (``size``, in bytes) and hashes them."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int, /) -> bytes:
        """Return the next bytes of the source."""
        data = self._source.read(size)
        self._hash.update(data)
        self.size += len(data)
        return data

    def read_to_end(self) -> None:
        """Read the source to its end, so that digest and size are those of all its bytes."""
        while self.read(CHUNK):
            continue

    @property
    def digest(self) -> str:
        """The digest of the bytes that were read so far."""
        return f"{ALGORITHM}:{self._hash.hexdigest()}"
