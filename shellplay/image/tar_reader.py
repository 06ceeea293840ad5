"""Reads a tar as a tape, from front to end, and distrusts what is written on it."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Self, TypeVar, cast

from shellplay.image.digest import CHUNK, Corrupt, Readable
from shellplay.image.limits import Limits

T = TypeVar("T", bound=tarfile.TarInfo)
BLOCK = 512
# tarfile copies what is left in its buffer each time it reads.
BUFFER = 1 << 15
LONGEST_EXTENSION = 1 << 20
LARGEST_ID = (1 << 32) - 2
EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class Header(tarfile.TarInfo):
    """One entry of a tar; a header that is none is an error, not the end of the tape."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read the 512 bytes of a header."""
        return _distrusted(buf, lambda: super(Header, cls).frombuf(buf, encoding, errors))

    # In newer Pythons tarfile itself goes this way, past ``frombuf``.
    @classmethod
    def _frombuf(cls, buf: bytes, encoding: str, errors: str, *, dircheck: bool = True) -> Self:
        base: Any = super()
        read: Callable[[], Self] = partial(
            base._frombuf, buf, encoding, errors, dircheck=dircheck
        )
        return _distrusted(buf, read)


def _distrusted(buf: bytes | bytearray, read: Callable[[], T]) -> T:
    if not buf or buf.count(0) == BLOCK:
        return read()
    try:
        found = read()
    except tarfile.HeaderError as error:
        raise Corrupt(f"it is no tar: {error}") from error
    # tarfile reads these at once into memory, whatever they say of their size.
    if found.type in EXTENSIONS and found.size > LONGEST_EXTENSION:
        raise Corrupt("it has a name or attributes of more than 1 MiB")
    return found


class Tape:
    """The entries of a tar in order; what was on it is gone once the next one is asked for."""

    def __init__(self, stream: Readable, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self._tar: tarfile.TarFile | None = None

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        """Yield the entries; raises Corrupt for what is no tar, or one entry too many."""
        for _ in range(self._limits.entries):
            member = self._next()
            if member is None:
                return
            yield member
        raise Corrupt(f"it has more than {self._limits.entries} entries")

    def content(self, member: tarfile.TarInfo) -> Iterator[bytes]:
        """Yield the content of the entry that came last, in pieces."""
        assert self._tar is not None
        left = self._limits.layer_bytes
        with _told():
            file = self._tar.extractfile(member)
            while file is not None and (data := file.read(CHUNK)):
                # A sparse file has holes, which cost nothing on the tape.
                left -= len(data)
                if left < 0:
                    raise Corrupt(f"{member.name} is larger than a layer may be")
                yield data

    def _next(self) -> tarfile.TarInfo | None:
        with _told():
            if self._tar is None:
                self._tar = tarfile.open(  # noqa: SIM115 (it ends with us)
                    fileobj=cast(Any, self._stream),
                    mode="r|",
                    bufsize=BUFFER,
                    tarinfo=Header,
                    encoding="utf-8",
                    errors="surrogateescape",
                )
            found = self._tar.next()
            # tarfile keeps all of them; a tape of millions would fill the memory.
            self._tar.members = []  # type: ignore[attr-defined]
            return found


class _told:
    """Turns what tarfile raises at data that it did not expect into Corrupt."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        surprises = (tarfile.TarError, ValueError, OverflowError, RecursionError, EOFError)
        if isinstance(error, surprises):
            raise Corrupt(f"it is no tar: {error}") from error


def parts_of(name: str) -> tuple[str, ...]:
    """Return the parts of a name in a tar, below the root of it; raises Corrupt.

    A leading ``/`` is nothing, as for tar(1); ``..`` never has a meaning.
    """
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise Corrupt(f"it has an entry that climbs out: {name[:200]!r}")
    if "\0" in name:
        raise Corrupt(f"it has a name with a NUL in it: {name[:200]!r}")
    return parts
