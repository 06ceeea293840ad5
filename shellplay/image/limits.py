"""How much an image may make us read and write: what is beyond it is taken for a bomb."""

from __future__ import annotations

from dataclasses import dataclass

from shellplay.image.digest import Corrupt, Readable

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of one image: bytes and entries of a layer unpacked, layers, JSON bytes.

    overlayfs stacks at most 500 lower layers, see Documentation/filesystems/overlayfs.rst.
    """

    layer_bytes: int = 64 * GIB
    entries: int = 2_000_000
    layers: int = 500
    document_bytes: int = 4 << 20


class Limited:
    """Reads from something else, up to a number of bytes; more of them is Corrupt."""

    def __init__(self, source: Readable, limit: int) -> None:
        self._source = source
        self._limit = limit
        self._left = limit

    def read(self, size: int, /) -> bytes:
        """Return the next bytes of the source."""
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise Corrupt(f"it unpacks to more than {self._limit} bytes")
        return data


def megabytes(size: int) -> str:
    """Return a size as it is said while something large is on its way."""
    return f"{size / 1e6:.1f} MB"
