"""``image import``: make images of root file systems and of archives of images."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from shellplay.errors import Refused, UsageError
from shellplay.image.archive import INDEX, LAYOUT, Archive, is_archive, layer_media_type
from shellplay.image.collect import Fetch, collect_image, unpack_and_name
from shellplay.image.compression import BZIP2, XZ, DecompressingReader
from shellplay.image.digest import Corrupt, HashingReader, hexadecimal
from shellplay.image.limits import LimitedReader
from shellplay.image.manifest import (
    CONFIG,
    FULL_NAME,
    MANIFEST,
    REF_NAME,
    Descriptor,
    Image,
    host_platform,
    load_object,
    manifest_document,
    read_descriptors,
)
from shellplay.image.pack import pack_directory
from shellplay.image.reference import name_from_word, parse
from shellplay.image.store import Store
from shellplay.image.tar_reader import TarReader

# The names that an image is to get, and its manifest; its blobs are in the store.
NamedManifest = tuple[list[str], Descriptor]


def import_image(
    store: Store, path: Path, name: str | None = None, platform: str | None = None
) -> Generator[str, None, list[Image]]:
    """Import the images in a file or directory, unpack them, and return them.

    ``path`` is a root file system (a directory, or a tar, also compressed), an archive of
    ``docker save`` or an OCI image layout (a directory, or a tar).  ``name`` is the name of a
    single image, None for its own name.  ``platform`` is the one of this machine if None.
    Yields sentences for the user.  Raises UsageError, Refused or Corrupt; the store is then as
    it was before.
    """
    full_name = None if name is None else str(parse(name))
    if not path.exists():
        raise UsageError(f"{path} is not there", "give a tar or a directory")
    if not path.is_dir() and not path.is_file():
        raise UsageError(f"{path} is neither a file nor a directory", "give a tar")
    with store.transaction(), _error_with_path(path):
        manifests = yield from _import_manifests(store, path, platform or host_platform())
        if not manifests:
            raise Corrupt("there is no image in it")
        if full_name is not None and len(manifests) != 1:
            found = ", ".join(names[0] for names, _ in manifests if names)
            raise Refused(f"there are {len(manifests)} images in it, {found}", "leave out NAME")
        images = []
        for names, descriptor in manifests:
            own_names = names or [str(parse(name_from_word(_stem(path))))]
            for image_name in [full_name] if full_name is not None else own_names:
                images.append((yield from unpack_and_name(store, image_name, descriptor)))
    return images


def _import_manifests(
    store: Store, path: Path, platform: str
) -> Generator[str, None, list[NamedManifest]]:
    if not path.is_dir():
        return (yield from _import_file(store, path, platform))
    if (path / LAYOUT).exists() and (path / INDEX).exists():
        return (yield from _import_layout(store, path, platform))
    layer = yield from pack_directory(store, path)
    return [([], _add_image(store, path, layer, layer.digest, platform))]


def _import_file(
    store: Store, path: Path, platform: str
) -> Generator[str, None, list[NamedManifest]]:
    with path.open("rb") as file:
        holds_images = is_archive(_tar_reader(store, file))
    if not holds_images:
        layer, diff_id = _add_layer(store, path)
        return [([], _add_image(store, path, layer, diff_id, platform))]
    with path.open("rb") as file:
        archive = Archive(store, _tar_reader(store, file))
    if INDEX not in archive:
        return [
            ([str(parse(name)) for name in names], manifest)
            for names, manifest in archive.docker_images()
        ]
    index = archive.read_document(INDEX)
    return (yield from _import_index(store, path, index, archive.fetch, platform))


def _tar_reader(store: Store, file: io.BufferedReader) -> TarReader:
    content = LimitedReader(DecompressingReader(file), store.limits.layer_bytes)
    return TarReader(content, store.limits)


def _import_layout(
    store: Store, path: Path, platform: str
) -> Generator[str, None, list[NamedManifest]]:
    def fetch(descriptor: Descriptor) -> Iterator[str]:
        if not store.has_blob(descriptor):
            blob = path / "blobs" / "sha256" / hexadecimal(descriptor.digest)
            # open(2) of a FIFO would wait for a writer, and a device may have no end.
            if not blob.is_file():
                raise Corrupt(f"{descriptor.digest} is missing in it")
            with blob.open("rb") as file:
                store.add(file, descriptor)
        return iter(())

    if not (path / INDEX).is_file():
        raise Corrupt(f"{INDEX} is no file")
    with (path / INDEX).open("rb") as file:
        index = file.read(store.limits.document_bytes + 1)
    if len(index) > store.limits.document_bytes:
        raise Corrupt(f"{INDEX} is too long")
    return (yield from _import_index(store, path, index, fetch, platform))


def _import_index(
    store: Store, path: Path, index: bytes, fetch: Fetch, platform: str
) -> Generator[str, None, list[NamedManifest]]:
    manifests = []
    for descriptor in read_descriptors(load_object(index, INDEX), "manifests", INDEX):
        manifest = yield from collect_image(store, fetch, descriptor, platform)
        manifests.append((_names_in_index(descriptor, path), manifest))
    return manifests


def _names_in_index(descriptor: Descriptor, path: Path) -> list[str]:
    """Return the name in the annotations of an index entry: a full name, or only a tag."""
    name = descriptor.annotations.get(FULL_NAME)
    tag = descriptor.annotations.get(REF_NAME)
    if name is None and tag is not None:
        name = tag if ":" in tag or "/" in tag else f"{name_from_word(_stem(path))}:{tag}"
    return [] if name is None else [str(parse(name))]


def _add_layer(store: Store, path: Path) -> tuple[Descriptor, str]:
    """Add the tar of a root file system as a layer; return the layer and its DiffID."""
    with path.open("rb") as file:
        decompressed = DecompressingReader(file)
        content = LimitedReader(decompressed, store.limits.layer_bytes)
        if decompressed.algorithm in (XZ, BZIP2):
            # The image-spec has no media type for these algorithms: store the plain tar.
            descriptor = store.add(content)
            return replace(descriptor, media_type=layer_media_type(None)), descriptor.digest
        hashed = HashingReader(content)
        hashed.read_to_end()
        file.seek(0)
        descriptor = store.add(file)
    media_type = layer_media_type(decompressed.algorithm)
    return replace(descriptor, media_type=media_type), hashed.digest


def _add_image(
    store: Store, path: Path, layer: Descriptor, diff_id: str, platform: str
) -> Descriptor:
    """Add the configuration and manifest of an image with one layer; return the manifest.

    All values come from the file, so the same file gives the same image ID.
    """
    changed = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
    created = changed.isoformat(timespec="seconds").replace("+00:00", "Z")
    system, architecture = platform.split("/")[:2]
    config = {
        "created": created,
        "architecture": architecture,
        "os": system,
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": created, "created_by": f"image import {path.name}"}],
    }
    config_descriptor = store.add_document(json.dumps(config).encode(), CONFIG)
    return store.add_document(manifest_document(config_descriptor, [layer]), MANIFEST)


def _stem(path: Path) -> str:
    name = path.resolve().name
    for ending in (".gz", ".xz", ".zst", ".bz2", ".tgz", ".tar"):
        name = name.removesuffix(ending)
    return name


@contextmanager
def _error_with_path(path: Path) -> Iterator[None]:
    try:
        yield
    except (Corrupt, UsageError) as error:
        raise Corrupt(f"{path}: {error.message}", error.fix) from error
