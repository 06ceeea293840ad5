"""Archives that hold images: what ``docker save`` writes, and tars of an OCI layout."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from shellplay.image.compression import GZIP, ZSTD, compression
from shellplay.image.digest import CHUNK, Corrupt
from shellplay.image.manifest import CONFIG, LAYER, MANIFEST, Descriptor
from shellplay.image.store import Store
from shellplay.image.tar_reader import Tape, parts_of

INDEX, LAYOUT, DOCKER = "index.json", "oci-layout", "manifest.json"
_NAME = re.compile(
    r"oci-layout|index\.json|manifest\.json|repositories|blobs(/.*)?"
    r"|(sha256:)?[0-9a-f]{64}(/.*|\.json|\.tar|\.tar\.gz)?",
    re.S,
)
_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")


def is_archive(tape: Tape) -> bool:
    """Tell whether a tar holds images, and not a file system, by the names on it."""
    found = False
    for member in tape:
        name = "/".join(parts_of(member.name))
        if name and not _NAME.fullmatch(name):
            return False
        found = found or name in (INDEX, DOCKER)
    return found


class Archive:
    """An archive whose files were all taken into the store, in one pass over it."""

    def __init__(self, store: Store, tape: Tape) -> None:
        self._store = store
        self._files: dict[str, Descriptor] = {}
        self._links: dict[str, str] = {}
        for member in tape:
            name = "/".join(parts_of(member.name))
            if member.isreg():
                self._files[name] = self._take(name, tape.content(member))
            elif member.issym():
                above = PurePosixPath(name).parent.parts
                self._links[name] = _joined(above, member.linkname)
            elif member.islnk():
                self._links[name] = "/".join(parts_of(member.linkname))

    def __contains__(self, name: str) -> bool:
        return self._resolved(name) in self._files

    def document(self, name: str) -> bytes:
        """Return the content of a small file; raises Corrupt."""
        return self._store.document(self.descriptor(name))

    def descriptor(self, name: str) -> Descriptor:
        """Return what is in the store for a name in the archive; raises Corrupt."""
        found = self._files.get(self._resolved(name))
        if found is None:
            raise Corrupt(f"{name[:200]} is missing in it")
        return found

    def fetch(self, of: Descriptor) -> Iterator[str]:
        """Say that all there is has been taken in; raises Corrupt for what is missing."""
        if not self._store.has(of):
            raise Corrupt(f"{of.digest} is missing in it, or has another size")
        return iter(())

    def docker_images(self) -> list[tuple[list[str], Descriptor]]:
        """Return names and manifest of each image of ``docker save``; raises Corrupt."""
        try:
            listed = json.loads(self.document(DOCKER))
            return [self._docker_image(one) for one in listed]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Corrupt(f"its {DOCKER} is not as docker save writes it") from error

    def _docker_image(self, found: Any) -> tuple[list[str], Descriptor]:  # noqa: ANN401 (JSON)
        layers = [self._layer(str(name)) for name in found["Layers"]]
        config = replace(self.descriptor(str(found["Config"])), media_type=CONFIG)
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.as_json(),
            "layers": [layer.as_json() for layer in layers],
        }
        names = [str(name) for name in found.get("RepoTags") or []]
        return names, self._store.add_document(json.dumps(document).encode(), MANIFEST)

    def _layer(self, name: str) -> Descriptor:
        found = self.descriptor(name)
        with self._store.blob(found.digest).open("rb") as file:
            kind = compression(file.read(8))
        return replace(found, media_type=layer_type(kind))

    def _take(self, name: str, content: Iterator[bytes]) -> Descriptor:
        found = self._store.add(_Pieces(content))
        blob = _BLOB.fullmatch(name)
        if blob and found.digest != f"sha256:{blob[1]}":
            raise Corrupt(f"sha256:{blob[1]} is damaged: its content is something else")
        return found

    def _resolved(self, name: str) -> str:
        name = "/".join(parts_of(name))
        for _ in range(8):
            if name not in self._links:
                break
            name = self._links[name]
        return name


class _Pieces:
    """Reads from an iterator of pieces, each at most as long as what is asked for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, size: int, /) -> bytes:
        assert size >= CHUNK
        return next(self._pieces, b"")


def layer_type(kind: str | None) -> str:
    """Return the media type of a layer that is compressed so; raises Corrupt."""
    if kind not in (None, GZIP, ZSTD):
        raise Corrupt(f"it has a layer that is compressed with {kind}, which no image may be")
    return f"{LAYER}+{kind}" if kind else LAYER


def _joined(above: tuple[str, ...], target: str) -> str:
    parts: list[str] = [] if target.startswith("/") else list(above)
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
