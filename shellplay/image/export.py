"""``image export``: write an image as an OCI image layout, to a directory or to a tar.

The tar also has the ``manifest.json`` of ``docker save``, so ``docker load`` reads it.  The
layout is that of the OCI image-spec, image-layout.md.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shellplay.errors import Refused
from shellplay.image.digest import CHUNK, Corrupt, digest_of, hexadecimal, short_digest
from shellplay.image.manifest import (
    CONFIG,
    FULL_NAME,
    LAYER,
    MANIFEST,
    REF_NAME,
    Descriptor,
    Image,
    load_object,
)
from shellplay.image.reference import familiar
from shellplay.image.store import LAYOUT, Store


def export_image(store: Store, image: Image, target: Path) -> None:
    """Write an image to a new tar (``NAME.tar``) or into a directory with an OCI image layout.

    A missing directory is created; an existing OCI image layout gets one more image.  Raises
    Refused if ``target`` is another kind of file, or cannot be written; then nothing of the
    image is left there.  Raises Corrupt if the store lacks a layer.
    """
    with store.locked(), _removed_on_failure(target) as created:
        export = _prepare(store, image)
        for layer in image.layers:
            if not store.blob_path(layer.digest).exists():
                lacking = short_digest(layer.digest)
                raise Corrupt(
                    f"{familiar(image.name)}: the store lacks its layer {lacking}",
                    "image rm it, and import it again",
                )
        if target.suffix == ".tar":
            _write_tar(export, target)
        else:
            _write_directory(export, target, created)


@dataclass(frozen=True, slots=True)
class _Export:
    """An image with its OCI manifest, its small blobs and its layer files, by the digits."""

    image: Image
    manifest: Descriptor
    documents: dict[str, bytes]
    layers: dict[str, Path]

    def index(self, entries: list[Any]) -> bytes:
        """Return an index with these entries and this image, which replaces its old entry."""
        name = familiar(self.image.name)
        annotations = {REF_NAME: name, FULL_NAME: self.image.name}
        entry = replace(self.manifest, annotations=annotations).as_json()
        config = self.image.config
        entry["platform"] = {"architecture": config.architecture, "os": config.os}
        kept = [existing for existing in entries if _ref_name(existing) != name]
        return json.dumps({"schemaVersion": 2, "manifests": [*kept, entry]}).encode()


@contextmanager
def _removed_on_failure(target: Path) -> Iterator[list[Path]]:
    """Give a list for the paths that the block creates; if the block fails, remove them."""
    created: list[Path] = []
    try:
        yield created
    except BaseException as error:
        for path in reversed(created):
            # On a disk with errors a path may stay; the first error is the one to report.
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise Refused(
                f"{target} cannot be written: {reason}", "take another place"
            ) from error
        raise


def _prepare(store: Store, image: Image) -> _Export:
    """Read the documents of an image, with OCI's media types instead of Docker's."""
    data = store.read_document(image.descriptor)
    config = store.read_document(image.config_descriptor)
    if image.descriptor.media_type != MANIFEST:
        document = dict(load_object(data, "the manifest"))
        document["mediaType"] = MANIFEST
        document["config"] = replace(image.config_descriptor, media_type=CONFIG).as_json()
        document["layers"] = [
            replace(layer, media_type=_oci_media_type(layer.media_type)).as_json()
            for layer in image.layers
        ]
        data = json.dumps(document).encode()
    digest = digest_of(data)
    documents = {hexadecimal(image.id): config, hexadecimal(digest): data}
    layers = {
        hexadecimal(layer.digest): store.blob_path(layer.digest) for layer in image.layers
    }
    return _Export(image, Descriptor(MANIFEST, digest, len(data)), documents, layers)


def _oci_media_type(media_type: str) -> str:
    return f"{LAYER}+gzip" if media_type.endswith("gzip") else media_type


def _ref_name(entry: Any) -> object:  # noqa: ANN401 (JSON)
    annotations = entry.get("annotations") if isinstance(entry, dict) else None
    return annotations.get(REF_NAME) if isinstance(annotations, dict) else None


def _write_tar(export: _Export, target: Path) -> None:
    image = export.image
    docker = {
        "Config": f"blobs/sha256/{hexadecimal(image.id)}",
        "RepoTags": [familiar(image.name)] if "@" not in image.name else [],
        "Layers": [f"blobs/sha256/{hexadecimal(layer.digest)}" for layer in image.layers],
    }
    documents = {
        "oci-layout": LAYOUT,
        "index.json": export.index([]),
        "manifest.json": json.dumps([docker]).encode(),
        **{f"blobs/sha256/{digits}": data for digits, data in export.documents.items()},
    }
    with _atomic_file(target) as file, tarfile.open(fileobj=file, mode="w") as tar:
        for name in ("blobs", "blobs/sha256"):
            tar.addfile(_member(name, 0, tarfile.DIRTYPE))
        for name, data in documents.items():
            tar.addfile(_member(name, len(data)), io.BytesIO(data))
        for digits, path in export.layers.items():
            with path.open("rb") as content:
                size = os.fstat(content.fileno()).st_size
                tar.addfile(_member(f"blobs/sha256/{digits}", size), content)


def _member(name: str, size: int, entry_type: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.size = entry_type, size
    member.mode = 0o755 if entry_type == tarfile.DIRTYPE else 0o644
    # skopeo, run by an ordinary user, gives the files the owner in the tar: it must be ours.
    member.uid, member.gid = os.geteuid(), os.getegid()
    return member


def _write_directory(export: _Export, target: Path, created: list[Path]) -> None:
    entries = _index_entries(target)
    blobs = target / "blobs" / "sha256"
    for directory in reversed((blobs, *blobs.parents)):
        if not directory.exists():
            directory.mkdir()
            created.append(directory)
    for digits, path in export.layers.items():
        if not (blobs / digits).exists():
            with _atomic_file(blobs / digits) as file, path.open("rb") as content:
                while data := content.read(CHUNK):
                    file.write(data)
            created.append(blobs / digits)
    documents = {blobs / digits: data for digits, data in export.documents.items()}
    documents[target / "oci-layout"] = LAYOUT
    # The index is written last, so that every blob that it names exists.
    documents[target / "index.json"] = export.index(entries)
    for path, data in documents.items():
        if not path.exists():
            created.append(path)
        with _atomic_file(path) as file:
            file.write(data)


def _index_entries(target: Path) -> list[Any]:
    """Return the entries of the index in a directory, none for a new directory."""
    index = target / "index.json"
    if target.exists() and not target.is_dir():
        raise Refused(f"{target} is there and no directory", "give a directory, or a .tar")
    if index.exists():
        entries = load_object(index.read_bytes(), str(index)).get("manifests")
        return entries if isinstance(entries, list) else []
    if target.exists() and any(target.iterdir()):
        raise Refused(f"{target} is not an OCI layout and not empty", "give a new directory")
    return []


@contextmanager
def _atomic_file(target: Path) -> Iterator[Any]:
    """Give a scratch file, which is renamed to ``target`` if the block does not raise."""
    scratch = target.with_name(f".{secrets.token_hex(8)}")
    try:
        with scratch.open("xb") as file:
            yield file
        scratch.rename(target)
    finally:
        with suppress(FileNotFoundError, NotADirectoryError):
            scratch.unlink()
