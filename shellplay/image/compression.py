"""Detect the compression of layers and archives by their first bytes, and decompress them."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import zlib
from typing import Any

from shellplay.errors import Refused
from shellplay.image.digest import Corrupt, Readable

GZIP, ZSTD, XZ, BZIP2 = "gzip", "zstd", "xz", "bzip2"
_MAGIC = {
    GZIP: b"\x1f\x8b",
    ZSTD: b"\x28\xb5\x2f\xfd",
    XZ: b"\xfd7zXZ\x00",
    BZIP2: b"BZh",
}
_ERRORS: tuple[type[Exception], ...] = (
    EOFError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
)


def detect_compression(head: bytes) -> str | None:
    """Return the algorithm whose magic bytes stand at the head of the data, or None."""
    matches = (algorithm for algorithm, magic in _MAGIC.items() if head.startswith(magic))
    return next(matches, None)


class DecompressingReader:
    """Reads a file and decompresses it; ``algorithm`` is None if it is not compressed.

    Raises Refused if the algorithm is zstd and no library for it is installed.
    """

    def __init__(self, file: io.BufferedReader) -> None:
        self.algorithm = detect_compression(file.peek(8)[:8])
        self._errors = _ERRORS
        self._source: Readable = self._open(file)

    def read(self, size: int, /) -> bytes:
        """Return the next decompressed bytes; raises Corrupt for damaged data."""
        try:
            return self._source.read(size)
        except self._errors as error:
            raise Corrupt(f"its {self.algorithm} data is broken: {error}") from error
        except OSError as error:
            # bz2 reports damaged data as an OSError without an errno.
            if self.algorithm == BZIP2 and error.errno is None:
                raise Corrupt(f"its {self.algorithm} data is broken: {error}") from error
            raise

    def _open(self, file: io.BufferedReader) -> Readable:
        match self.algorithm:
            case "gzip":
                return gzip.GzipFile(fileobj=file)
            case "xz":
                return lzma.LZMAFile(file)
            case "bzip2":
                return bz2.BZ2File(file)
            case "zstd":
                return self._open_zstd(file)
        return file

    def _open_zstd(self, file: io.BufferedReader) -> Readable:
        module: Any
        try:
            module = importlib.import_module("compression.zstd")  # since Python 3.14
            self._errors = (*_ERRORS, module.ZstdError)
            reader: Readable = module.ZstdFile(file)
        except ImportError:
            try:
                module = importlib.import_module("zstandard")
            except ImportError:
                raise Refused(
                    "it is compressed with zstd, which this Python cannot read",
                    "pip install 'shellplay[pull]', or unpack it with zstd -d",
                ) from None
            self._errors = (*_ERRORS, module.ZstdError)
            reader = module.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        return reader
