"""``image export``: an image as an OCI layout, in a directory or in a tar.

The tar also has the ``manifest.json`` of ``docker save``, so that ``docker load`` takes it.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from shellplay.errors import Refused
from shellplay.image.digest import CHUNK, Corrupt, digest_of, hexadecimal, short
from shellplay.image.manifest import (
    CONFIG,
    FULL_NAME,
    LAYER,
    MANIFEST,
    REF_NAME,
    Descriptor,
    Image,
    load,
)
from shellplay.image.reference import familiar
from shellplay.image.store import LAYOUT, Store

Documents = dict[str, bytes]


def export_image(store: Store, image: Image, target: Path) -> None:
    """Write an image to a new tar (``NAME.tar``) or into a directory that is an OCI layout.

    A directory is made if it is not there; one that is an OCI layout gets one more image.
    Raises Refused if something else is there, or if it cannot be written; then nothing of it
    is left.  Raises Corrupt if the store lacks a layer.
    """
    with store.using(), _wholly(target) as made:
        manifest, documents = _as_oci(store, image)
        blobs = {hexadecimal(of.digest): store.blob(of.digest) for of in image.layers}
        for of in image.layers:
            if not store.blob(of.digest).exists():
                raise Corrupt(
                    f"{familiar(image.name)}: the store lacks its layer {short(of.digest)}",
                    "image rm it, and import it again",
                )
        if target.suffix == ".tar":
            _to_tar(image, manifest, documents, blobs, target)
        else:
            _to_directory(image, manifest, documents, blobs, target, made)


@contextmanager
def _wholly(target: Path) -> Iterator[list[Path]]:
    """Give a list of what is made in the block, which is removed again if that fails."""
    made: list[Path] = []
    try:
        yield made
    except BaseException as error:
        for path in reversed(made):
            # What cannot be removed from a disk that fails is all that can stay.
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise Refused(
                f"{target} cannot be written: {reason}", "take another place"
            ) from error
        raise


def _as_oci(store: Store, image: Image) -> tuple[Descriptor, Documents]:
    """Return the manifest, with OCI's types for Docker's, and the small blobs by digits."""
    document = dict(load(store.document(image.descriptor), "the manifest"))
    config = store.document(image.config_descriptor)
    document["mediaType"] = MANIFEST
    document["config"] = replace(image.config_descriptor, media_type=CONFIG).as_json()
    document["layers"] = [
        replace(layer, media_type=_oci_type(layer.media_type)).as_json()
        for layer in image.layers
    ]
    if image.descriptor.media_type == MANIFEST:
        data = store.document(image.descriptor)
    else:
        data = json.dumps(document).encode()
    digest = digest_of(data)
    documents = {hexadecimal(image.id): config, hexadecimal(digest): data}
    return Descriptor(MANIFEST, digest, len(data)), documents


def _oci_type(media_type: str) -> str:
    return f"{LAYER}+gzip" if media_type.endswith("gzip") else media_type


def _index(image: Image, manifest: Descriptor, others: list[Any]) -> bytes:
    notes = {REF_NAME: familiar(image.name), FULL_NAME: image.name}
    entry = replace(manifest, annotations=notes).as_json()
    entry["platform"] = {"architecture": image.config.architecture, "os": image.config.os}
    kept = [one for one in others if _ref_name(one) != notes[REF_NAME]]
    return json.dumps({"schemaVersion": 2, "manifests": [*kept, entry]}).encode()


def _ref_name(entry: Any) -> object:  # noqa: ANN401 (JSON)
    notes = entry.get("annotations") if isinstance(entry, dict) else None
    return notes.get(REF_NAME) if isinstance(notes, dict) else None


def _to_tar(
    image: Image,
    manifest: Descriptor,
    documents: Documents,
    blobs: dict[str, Path],
    target: Path,
) -> None:
    docker = {
        "Config": f"blobs/sha256/{hexadecimal(image.id)}",
        "RepoTags": [familiar(image.name)] if "@" not in image.name else [],
        "Layers": [f"blobs/sha256/{hexadecimal(of.digest)}" for of in image.layers],
    }
    small = {
        "oci-layout": LAYOUT,
        "index.json": _index(image, manifest, []),
        "manifest.json": json.dumps([docker]).encode(),
        **{f"blobs/sha256/{digits}": data for digits, data in documents.items()},
    }
    with _replacing(target) as file, tarfile.open(fileobj=file, mode="w") as tar:
        for name in ("blobs", "blobs/sha256"):
            tar.addfile(_member(name, 0, tarfile.DIRTYPE))
        for name, data in small.items():
            tar.addfile(_member(name, len(data)), io.BytesIO(data))
        for digits, path in blobs.items():
            with path.open("rb") as content:
                size = os.fstat(content.fileno()).st_size
                tar.addfile(_member(f"blobs/sha256/{digits}", size), content)


def _member(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.size = kind, size
    found.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    # An ordinary user's skopeo gives files the owner that is written here.
    found.uid, found.gid = os.geteuid(), os.getegid()
    return found


def _to_directory(
    image: Image,
    manifest: Descriptor,
    documents: Documents,
    blobs: dict[str, Path],
    target: Path,
    made: list[Path],
) -> None:
    index = target / "index.json"
    others: list[Any] = []
    if target.exists() and not target.is_dir():
        raise Refused(f"{target} is there and no directory", "give a directory, or a .tar")
    if index.exists():
        listed = load(index.read_bytes(), str(index)).get("manifests")
        others = listed if isinstance(listed, list) else []
    elif target.exists() and any(target.iterdir()):
        raise Refused(f"{target} is no OCI layout and not empty", "give a new directory")
    place = target / "blobs" / "sha256"
    for directory in reversed((place, *place.parents)):
        if not directory.exists():
            directory.mkdir()
            made.append(directory)
    for digits, path in blobs.items():
        if not (place / digits).exists():
            with _replacing(place / digits) as file, path.open("rb") as content:
                while data := content.read(CHUNK):
                    file.write(data)
            made.append(place / digits)
    small = {place / digits: data for digits, data in documents.items()}
    small[target / "oci-layout"] = LAYOUT
    # Last: what an index names is there.
    small[index] = _index(image, manifest, others)
    for path, data in small.items():
        if not path.exists():
            made.append(path)
        with _replacing(path) as file:
            file.write(data)


@contextmanager
def _replacing(target: Path) -> Iterator[Any]:
    """Give a file that takes its name once the block has ended well."""
    scratch = target.with_name(f".{secrets.token_hex(8)}")
    try:
        with scratch.open("xb") as file:
            yield file
        scratch.rename(target)
    finally:
        with suppress(FileNotFoundError, NotADirectoryError):
            scratch.unlink()
