"""Limits for the size of an image, against archives that unpack to an enormous size."""

from __future__ import annotations

from dataclasses import dataclass

from shellplay.image.digest import Corrupt, Readable

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest values that one image may have.

    ``layer_bytes`` and ``entries`` count one unpacked layer, ``document_bytes`` one JSON
    document.  ``layers`` is the limit of overlayfs, which stacks at most 500 lower
    directories (Documentation/filesystems/overlayfs.rst).
    """

    layer_bytes: int = 64 * GIB
    entries: int = 2_000_000
    layers: int = 500
    document_bytes: int = 4 << 20


class LimitedReader:
    """Passes the bytes of a source on, and raises Corrupt after more than ``limit`` bytes."""

    def __init__(self, source: Readable, limit: int) -> None:
        self._source = source
        self._limit = limit
        self._bytes_left = limit

    def read(self, size: int, /) -> bytes:
        """Return the next bytes of the source; raises Corrupt beyond the limit."""
        data = self._source.read(size)
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise Corrupt(f"it unpacks to more than {self._limit} bytes")
        return data


def megabytes(size: int) -> str:
    """Return a number of bytes in megabytes (10^6), for reports of a download."""
    return f"{size / 1e6:.1f} MB"
