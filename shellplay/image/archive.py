"""Read an archive of images: the tar of ``docker save``, or the tar of an OCI image layout."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from shellplay.image.compression import GZIP, ZSTD, detect_compression
from shellplay.image.digest import CHUNK, Corrupt
from shellplay.image.manifest import CONFIG, LAYER, MANIFEST, Descriptor, manifest_document
from shellplay.image.store import Store
from shellplay.image.tar_reader import TarReader, parts_of

INDEX, LAYOUT, DOCKER = "index.json", "oci-layout", "manifest.json"
_NAME = re.compile(
    r"oci-layout|index\.json|manifest\.json|repositories|blobs(/.*)?"
    r"|(sha256:)?[0-9a-f]{64}(/.*|\.json|\.tar|\.tar\.gz)?",
    re.S,
)
_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")


def is_archive(reader: TarReader) -> bool:
    """Tell by its names whether a tar holds images, and not a root file system."""
    has_index = False
    for member in reader:
        name = "/".join(parts_of(member.name))
        if name and not _NAME.fullmatch(name):
            return False
        has_index = has_index or name in (INDEX, DOCKER)
    return has_index


class Archive:
    """An archive whose files were all added to the store, in one pass over the tar."""

    def __init__(self, store: Store, reader: TarReader) -> None:
        self._store = store
        self._files: dict[str, Descriptor] = {}
        self._links: dict[str, str] = {}
        for member in reader:
            name = "/".join(parts_of(member.name))
            if member.isreg():
                self._files[name] = self._add_file(name, reader.content(member))
            elif member.issym():
                parent = PurePosixPath(name).parent.parts
                self._links[name] = _join_link(parent, member.linkname)
            elif member.islnk():
                self._links[name] = "/".join(parts_of(member.linkname))

    def __contains__(self, name: str) -> bool:
        return self._resolve_links(name) in self._files

    def read_document(self, name: str) -> bytes:
        """Return the bytes of a small file in the archive; raises Corrupt."""
        return self._store.read_document(self.descriptor(name))

    def descriptor(self, name: str) -> Descriptor:
        """Return the descriptor of a file's blob; raises Corrupt if the file is missing."""
        descriptor = self._files.get(self._resolve_links(name))
        if descriptor is None:
            raise Corrupt(f"{name[:200]} is missing in it")
        return descriptor

    def fetch(self, descriptor: Descriptor) -> Iterator[str]:
        """Check that the archive had a blob; raises Corrupt if not.  This is a ``Fetch``."""
        if not self._store.has_blob(descriptor):
            raise Corrupt(f"{descriptor.digest} is missing in it, or has another size")
        return iter(())

    def docker_images(self) -> list[tuple[list[str], Descriptor]]:
        """Return the names and the manifest of each image in ``manifest.json``.

        Raises Corrupt.
        """
        try:
            entries = json.loads(self.read_document(DOCKER))
            return [self._docker_image(entry) for entry in entries]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Corrupt(f"its {DOCKER} is not as docker save writes it") from error

    def _docker_image(self, entry: Any) -> tuple[list[str], Descriptor]:  # noqa: ANN401 (JSON)
        layers = [self._layer(str(name)) for name in entry["Layers"]]
        config = replace(self.descriptor(str(entry["Config"])), media_type=CONFIG)
        names = [str(name) for name in entry.get("RepoTags") or []]
        return names, self._store.add_document(manifest_document(config, layers), MANIFEST)

    def _layer(self, name: str) -> Descriptor:
        descriptor = self.descriptor(name)
        with self._store.blob_path(descriptor.digest).open("rb") as file:
            algorithm = detect_compression(file.read(8))
        return replace(descriptor, media_type=layer_media_type(algorithm))

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


class _ChunkReader:
    """Makes an iterator of chunks readable; no chunk is longer than CHUNK bytes."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def read(self, size: int, /) -> bytes:
        assert size >= CHUNK
        return next(self._chunks, b"")


def layer_media_type(algorithm: str | None) -> str:
    """Return the media type of a layer with this compression, None for none; raises Corrupt."""
    if algorithm not in (None, GZIP, ZSTD):
        raise Corrupt(
            f"it has a layer that is compressed with {algorithm}, which no image may be"
        )
    return f"{LAYER}+{algorithm}" if algorithm else LAYER


def _join_link(parent: tuple[str, ...], target: str) -> str:
    parts: list[str] = [] if target.startswith("/") else list(parent)
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
