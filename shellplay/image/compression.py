"""What layers and archives are compressed with, told by their first bytes."""

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
_BROKEN: tuple[type[Exception], ...] = (
    EOFError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
)


def compression(beginning: bytes) -> str | None:
    """Return what data that begins so is compressed with, or None."""
    return next((kind for kind, magic in _MAGIC.items() if beginning.startswith(magic)), None)


class Plain:
    """Reads the plain content of a file that may be compressed; broken data is Corrupt."""

    def __init__(self, file: io.BufferedReader) -> None:
        self.kind = compression(file.peek(8)[:8])
        self._broken = _BROKEN
        self._source: Readable = self._opened(file)

    def read(self, size: int, /) -> bytes:
        """Return the next bytes of the content."""
        try:
            return self._source.read(size)
        except self._broken as error:
            raise Corrupt(f"its {self.kind} data is broken: {error}") from error
        except OSError as error:
            if self.kind == BZIP2 and error.errno is None:
                raise Corrupt(f"its {self.kind} data is broken: {error}") from error
            raise

    def _opened(self, file: io.BufferedReader) -> Readable:
        match self.kind:
            case "gzip":
                return gzip.GzipFile(fileobj=file)
            case "xz":
                return lzma.LZMAFile(file)
            case "bzip2":
                return bz2.BZ2File(file)
            case "zstd":
                return self._zstd(file)
        return file

    def _zstd(self, file: io.BufferedReader) -> Readable:
        module: Any
        try:
            module = importlib.import_module("compression.zstd")  # Python 3.14
            self._broken = (*_BROKEN, module.ZstdError)
            found: Readable = module.ZstdFile(file)
        except ImportError:
            try:
                module = importlib.import_module("zstandard")
            except ImportError:
                raise Refused(
                    "it is compressed with zstd, which this Python cannot read",
                    "pip install 'shellplay[pull]', or unpack it with zstd -d",
                ) from None
            self._broken = (*_BROKEN, module.ZstdError)
            found = module.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        return found
