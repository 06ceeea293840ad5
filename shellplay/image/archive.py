"""The files of an archive of images, in a tar or in a directory, as blobs of the store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from shellplay.image.digest import CHUNK, Corrupt, hexadecimal
from shellplay.image.manifest import Descriptor
from shellplay.image.store import Store
from shellplay.image.tar_reader import TarReader, parts_of

_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")
# Where a directory has the blob of these digits: an image layout, and skopeo's dir.
BLOB_PATHS = ("blobs/sha256/{}", "{}", "{}.manifest.json")


class Archive(Protocol):
    """The files of an archive by their names in it."""

    def descriptor(self, name: str) -> Descriptor:
        """Return the descriptor of a file's blob; raises Corrupt if the file is missing."""

    def fetch(self, descriptor: Descriptor) -> Iterator[str]:
        """Bring a blob into the store, as a ``Fetch``; raises Corrupt if it is missing."""


class TarArchive:
    """An archive whose files were all added to the store, in one pass over the tar.

    ``prefix`` is the directory that all of them are in, "" if there is none.
    """

    def __init__(self, store: Store, reader: TarReader, prefix: str) -> None:
        self._store = store
        self._files: dict[str, Descriptor] = {}
        self._links: dict[str, str] = {}
        for member in reader:
            parts = parts_of(member.name)
            name = _below(prefix, parts)
            if member.isreg():
                self._files[name] = self._add_file(name, reader.content(member))
            elif member.issym():
                self._links[name] = _below(prefix, _join_link(parts[:-1], member.linkname))
            elif member.islnk():
                self._links[name] = _below(prefix, parts_of(member.linkname))

    def descriptor(self, name: str) -> Descriptor:
        """Return the descriptor of a file's blob; raises Corrupt if the file is missing."""
        descriptor = self._files.get(self._resolve_links(name))
        if descriptor is None:
            raise Corrupt(f"{name[:200]} is missing in it")
        return descriptor

    def fetch(self, descriptor: Descriptor) -> Iterator[str]:
        """Check that the archive had a blob; raises Corrupt if not."""
        if not self._store.has_blob(descriptor):
            raise Corrupt(f"{descriptor.digest} is missing in it, or has another size")
        return iter(())

    def _add_file(self, name: str, content: Iterator[bytes]) -> Descriptor:
        descriptor = self._store.add(_ChunkReader(content))
        match = _BLOB.fullmatch(name)
        if match and descriptor.digest != f"sha256:{match[1]}":
            raise Corrupt(f"sha256:{match[1]} is damaged: its content is something else")
        return descriptor

    def _resolve_links(self, name: str) -> str:
        name = "/".join(parts_of(name))
        for _ in range(8):
            if name not in self._links:
                break
            name = self._links[name]
        return name


class DirectoryArchive:
    """An archive whose files are below a directory; one is added when it is asked for."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self._path = path.resolve()

    def descriptor(self, name: str) -> Descriptor:
        """Return the descriptor of a file's blob; raises Corrupt if the file is missing."""
        path = self._file("/".join(parts_of(name)))
        if path is None:
            raise Corrupt(f"{name[:200]} is missing in it")
        with path.open("rb") as file:
            return self._store.add(file)

    def fetch(self, descriptor: Descriptor) -> Iterator[str]:
        """Add the blob of a descriptor, if the store lacks it; raises Corrupt."""
        if not self._store.has_blob(descriptor):
            digits = hexadecimal(descriptor.digest)
            found = (self._file(place.format(digits)) for place in BLOB_PATHS)
            path = next((each for each in found if each is not None), None)
            if path is None:
                raise Corrupt(f"{descriptor.digest} is missing in it")
            with path.open("rb") as file:
                self._store.add(file, descriptor)
        return iter(())

    def _file(self, name: str) -> Path | None:
        """Return the path of a file; None for what is not a file, or leads out by a link."""
        path = (self._path / name).resolve()
        # open(2) of a FIFO would wait for a writer, and a device may have no end.
        return path if path.is_relative_to(self._path) and path.is_file() else None


class _ChunkReader:
    """Makes an iterator of chunks readable; no chunk is longer than CHUNK bytes."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def read(self, size: int, /) -> bytes:
        assert size >= CHUNK
        return next(self._chunks, b"")


def _below(prefix: str, parts: tuple[str, ...]) -> str:
    """Return the name of an entry below the directory that everything is in."""
    return "/".join(parts[1:] if prefix and parts[:1] == (prefix,) else parts)


def _join_link(parent: tuple[str, ...], target: str) -> tuple[str, ...]:
    parts = () if target.startswith("/") else parent
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts = (*parts, part)
    return parts
