"""Digests, the names of content: ``sha256:`` and 64 hexadecimal digits."""

from __future__ import annotations

import hashlib
import re
from typing import Protocol

from shellplay.errors import Refused

ALGORITHM = "sha256"
CHUNK = 1 << 20
_FORM = re.compile(r"sha256:[0-9a-f]{64}")


class Readable(Protocol):
    """Something that gives bytes in order."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none at the end."""


class Corrupt(Refused):
    """Content is not what its name, its form or its limits say."""


def is_digest(text: str) -> bool:
    """Tell whether a text is a whole digest of the kind that is used here."""
    return _FORM.fullmatch(text) is not None


def digest_of(data: bytes) -> str:
    """Return the digest of some bytes."""
    return f"{ALGORITHM}:{hashlib.sha256(data).hexdigest()}"


def hexadecimal(digest: str) -> str:
    """Return the digits of a digest, which are safe as a file name."""
    if not is_digest(digest):
        raise Corrupt(f"{digest[:100]!r} is no sha256 digest")
    return digest.partition(":")[2]


def short(digest: str) -> str:
    """Return the beginning of a digest as people are shown it: 12 digits."""
    return hexadecimal(digest)[:12]


class Hashing:
    """Reads from something else, and knows digest and size of what was read."""

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

    def exhaust(self) -> None:
        """Read to the end."""
        while self.read(CHUNK):
            continue

    @property
    def digest(self) -> str:
        """The digest of what was read so far."""
        return f"{ALGORITHM}:{self._hash.hexdigest()}"
