"""Read a tar from front to end, as a stream, and check every header before it is used."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Self, TypeVar, cast

from shellplay.image.digest import CHUNK, Corrupt, Readable
from shellplay.image.limits import Limits

T = TypeVar("T", bound=tarfile.TarInfo)
BLOCK = 512
# tarfile copies the unread part of its buffer at each read, so a large buffer is slow.
BUFFER = 1 << 15
MAX_EXTENSION = 1 << 20
# Of one entry: tarfile reads a whole chain of extensions before it returns the entry.
MAX_HEADER = 4 << 20
MAX_GLOBAL_HEADERS = 64
MAX_ID = (1 << 32) - 2
EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class Header(tarfile.TarInfo):
    """One entry of a tar; a malformed header raises Corrupt instead of ending the tar."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Parse the 512 bytes of a header; raises Corrupt."""
        return _checked_header(buf, lambda: super(Header, cls).frombuf(buf, encoding, errors))

    # Newer versions of tarfile call this method instead of ``frombuf``.
    @classmethod
    def _frombuf(cls, buf: bytes, encoding: str, errors: str, *, dircheck: bool = True) -> Self:
        base: Any = super()
        read: Callable[[], Self] = partial(
            base._frombuf, buf, encoding, errors, dircheck=dircheck
        )
        return _checked_header(buf, read)


def _checked_header(buf: bytes | bytearray, read: Callable[[], T]) -> T:
    if not buf or buf.count(0) == BLOCK:
        return read()
    try:
        header = read()
    except tarfile.HeaderError as error:
        raise Corrupt(f"it is not a tar: {error}") from error
    # tarfile reads an extension header into memory at once, whatever size it declares.
    if header.type in EXTENSIONS and header.size > MAX_EXTENSION:
        raise Corrupt("it has a name or attributes of more than 1 MiB")
    return header


class HeaderLimit:
    """Passes the bytes of a tar on; raises Corrupt if one header takes too many of them."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._bytes_left: int | None = None

    @contextmanager
    def header(self, before: int) -> Iterator[None]:
        """Limit the bytes of the block, in which a header is read.

        ``before`` are the bytes of the entry before it that nobody has read.
        """
        self._bytes_left = before + MAX_HEADER
        try:
            yield
        finally:
            self._bytes_left = None

    def read(self, size: int, /) -> bytes:
        """Return the next bytes of the tar."""
        data = self._source.read(size)
        if self._bytes_left is not None:
            self._bytes_left -= len(data)
            if self._bytes_left < 0:
                raise Corrupt(f"it has a header of more than {MAX_HEADER >> 20} MiB")
        return data


class TarReader:
    """Yields the entries of a tar; the content of an entry can be read before the next one."""

    def __init__(self, stream: Readable, limits: Limits) -> None:
        self._stream = HeaderLimit(stream)
        self._limits = limits
        self._bytes_left = limits.layer_bytes
        self._tar: tarfile.TarFile | None = None

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        """Yield the entries; raises Corrupt if it is not a tar or has too many entries."""
        for _ in range(self._limits.entries):
            member = self._next_member()
            if member is None:
                return
            yield member
        raise Corrupt(f"it has more than {self._limits.entries} entries")

    def content(self, member: tarfile.TarInfo) -> Iterator[bytes]:
        """Yield the content of the last entry in chunks of at most CHUNK bytes.

        Raises Corrupt if all contents together are larger than a layer may be.
        """
        assert self._tar is not None
        # A sparse file takes few bytes of the tar, but its holes count here.
        self._bytes_left -= member.size
        if self._bytes_left < 0:
            most = self._limits.layer_bytes
            raise Corrupt(f"it unpacks to more than {most} bytes, larger than a layer may be")
        with _tar_errors():
            file = self._tar.extractfile(member)
            while file is not None and (data := file.read(CHUNK)):
                yield data

    def _next_member(self) -> tarfile.TarInfo | None:
        with _tar_errors(), self._stream.header(self._unread()):
            if self._tar is None:
                self._tar = tarfile.open(  # noqa: SIM115 (open as long as this reader)
                    fileobj=cast(Any, self._stream),
                    mode="r|",
                    bufsize=BUFFER,
                    tarinfo=Header,
                    encoding="utf-8",
                    errors="surrogateescape",
                )
            member = self._tar.next()
            # tarfile keeps every entry; millions of entries would fill the memory.
            self._tar.members = []  # type: ignore[attr-defined]
            _check_global_headers(self._tar.pax_headers)
            # tarfile would look for the end of this entry in vain, for years.
            if self._tar.offset > self._limits.layer_bytes + MAX_HEADER:
                raise Corrupt("it has an entry that is larger than a layer may be")
            return member

    def _unread(self) -> int:
        if self._tar is None:
            return 0
        read: int = self._tar.fileobj.tell()
        return max(0, self._tar.offset - read)


def _check_global_headers(headers: Mapping[str, str]) -> None:
    """Raise Corrupt for attributes of all entries that grow with each global header."""
    size = sum(map(len, headers.values())) if len(headers) <= MAX_GLOBAL_HEADERS else 0
    if len(headers) > MAX_GLOBAL_HEADERS or size > MAX_EXTENSION:
        raise Corrupt("it has too many attributes that are for all of its entries")


@contextmanager
def _tar_errors() -> Iterator[None]:
    """Raise Corrupt instead of any error that tarfile raises for malformed data."""
    try:
        yield
    except (tarfile.TarError, ValueError, OverflowError, RecursionError, EOFError) as error:
        raise Corrupt(f"it is not a tar: {error}") from error


def parts_of(name: str) -> tuple[str, ...]:
    """Split the name of a tar entry into the names below the root of the tar.

    A leading ``/`` is ignored, as tar(1) does.  Raises Corrupt for ``..`` and for a NUL.
    """
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise Corrupt(f"it has an entry that climbs out: {name[:200]!r}")
    if "\0" in name:
        raise Corrupt(f"it has a name with a NUL in it: {name[:200]!r}")
    return parts
