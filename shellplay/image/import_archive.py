"""``image import``: make images of root file systems and of archives of images."""

from __future__ import annotations

import datetime
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from shellplay.errors import Refused, UsageError
from shellplay.image.archive import Archive, DirectoryArchive, TarArchive
from shellplay.image.archive_format import (
    INDEX,
    Contents,
    Format,
    survey_directory,
    survey_tar,
)
from shellplay.image.archive_format import MANIFEST as MANIFEST_NAME
from shellplay.image.collect import collect_image, unpack_and_name
from shellplay.image.compression import DecompressingReader
from shellplay.image.digest import Corrupt, HashingReader
from shellplay.image.docker_save import (
    STORED,
    NamedManifest,
    docker_images,
    layer_media_type,
)
from shellplay.image.index import Fetch, choose, choose_nameless, images_in
from shellplay.image.limits import LimitedReader
from shellplay.image.manifest import (
    CONFIG,
    FULL_NAME,
    MANIFEST,
    REF_NAME,
    Descriptor,
    Image,
    Json,
    host_platform,
    load_object,
    manifest_document,
    read_descriptors,
)
from shellplay.image.manifest import INDEX as INDEX_TYPE
from shellplay.image.pack import pack_directory
from shellplay.image.reference import familiar, name_from_word, parse
from shellplay.image.store import Store
from shellplay.image.tar_reader import TarReader


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
            found = ", ".join(familiar(names[0]) for names, _ in manifests if names)
            raise Refused(f"there are {len(manifests)} images in it, {found}", "leave out NAME")
        images = []
        for names, descriptor in manifests:
            # An archive may have names that only its builder takes: NAME is in place of them.
            own_names = [full_name] if full_name else names or [name_from_word(_stem(path))]
            for image_name in map(str, map(parse, own_names)):
                images.append((yield from unpack_and_name(store, image_name, descriptor)))
    return images


def _import_manifests(
    store: Store, path: Path, platform: str
) -> Generator[str, None, list[NamedManifest]]:
    if path.is_dir():
        contents = survey_directory(path, store.limits.document_bytes)
        if contents.format is None:
            layer = yield from pack_directory(store, path)
            return [([], _add_image(store, path, layer, layer.digest, platform))]
        directory = DirectoryArchive(store, path)
        return (yield from _read_archive(store, path, contents, directory, platform))
    with path.open("rb") as file:
        decompressed = DecompressingReader(file)
        hashed = HashingReader(LimitedReader(decompressed, store.limits.layer_bytes))
        contents = survey_tar(TarReader(hashed, store.limits), store.limits.document_bytes)
        if contents.format is None:
            hashed.read_to_end()
            layer = _add_layer(store, path, decompressed.algorithm)
            return [([], _add_image(store, path, layer, hashed.digest, platform))]
    with path.open("rb") as file:
        content = LimitedReader(DecompressingReader(file), store.limits.layer_bytes)
        archive = TarArchive(store, TarReader(content, store.limits), contents.prefix)
    return (yield from _read_archive(store, path, contents, archive, platform))


def _read_archive(
    store: Store, path: Path, contents: Contents, archive: Archive, platform: str
) -> Generator[str, None, list[NamedManifest]]:
    match contents.format:
        case Format.DOCKER_SAVE:
            return docker_images(store, archive)
        case Format.SINGLE:
            document = contents.documents[MANIFEST_NAME]
            single = _single(store, document)
            return [([], (yield from collect_image(store, archive.fetch, single, platform)))]
    index = load_object(contents.documents[INDEX], INDEX)
    return (yield from _read_index(store, path, index, archive.fetch, platform))


def _single(store: Store, document: bytes) -> Descriptor:
    """Add the manifest or the index in a directory of skopeo; return its descriptor."""
    given = load_object(document, MANIFEST_NAME).get("mediaType")
    otherwise = INDEX_TYPE if "manifests" in load_object(document, MANIFEST_NAME) else MANIFEST
    return store.add_document(document, given if isinstance(given, str) else otherwise)


def _read_index(
    store: Store, path: Path, index: Json, fetch: Fetch, platform: str
) -> Generator[str, None, list[NamedManifest]]:
    """Return one manifest for each name in an index: its entries are for several platforms."""
    entries = read_descriptors(index, "manifests", INDEX)
    groups: dict[str | None, dict[str, Descriptor]] = {}
    for entry in images_in(entries) or entries:
        groups.setdefault(_name_in_index(entry, path), {})[entry.digest] = entry
    manifests = []
    for name, group in groups.items():
        choice = choose_nameless if name is None else choose
        chosen = yield from choice(store, fetch, list(group.values()), platform)
        manifest = yield from collect_image(store, fetch, chosen, platform)
        manifests.append(([] if name is None else [name], manifest))
    return manifests


def _name_in_index(descriptor: Descriptor, path: Path) -> str | None:
    """Return the name in the annotations of an index entry: a full name, or only a tag."""
    name = descriptor.annotations.get(FULL_NAME)
    tag = descriptor.annotations.get(REF_NAME)
    if name is None and tag is not None:
        name = tag if ":" in tag or "/" in tag else f"{name_from_word(_stem(path))}:{tag}"
    return name


def _add_layer(store: Store, path: Path, algorithm: str | None) -> Descriptor:
    """Add the tar of a root file system as a layer; return its descriptor."""
    with path.open("rb") as file:
        if algorithm in STORED:
            return replace(store.add(file), media_type=layer_media_type(algorithm))
        content = LimitedReader(DecompressingReader(file), store.limits.layer_bytes)
        return replace(store.add(content), media_type=layer_media_type(None))


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
