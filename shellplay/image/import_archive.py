"""``image import``: root file systems and archives of images become images of the store."""

from __future__ import annotations

import datetime
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from shellplay.errors import Refused, UsageError
from shellplay.image.archive import INDEX, LAYOUT, Archive, is_archive, layer_type
from shellplay.image.collect import Fetch, finish, gather
from shellplay.image.compression import BZIP2, XZ, Plain
from shellplay.image.digest import Corrupt, Hashing, hexadecimal
from shellplay.image.limits import Limited
from shellplay.image.manifest import (
    CONFIG,
    FULL_NAME,
    MANIFEST,
    REF_NAME,
    Descriptor,
    Image,
    descriptors,
    load,
    this_platform,
)
from shellplay.image.pack import pack
from shellplay.image.reference import made_up, parse
from shellplay.image.store import Store
from shellplay.image.tar_reader import Tape

# Names and manifest of an image that is in the store, without a name there yet.
Arrived = tuple[list[str], Descriptor]


def import_image(
    store: Store, path: Path, name: str | None = None, platform: str | None = None
) -> Generator[str, None, list[Image]]:
    """Take in a file or a directory, unpack the images in it, and return them.

    It may be a root file system (a directory, or a tar, also compressed), an archive of
    ``docker save``, or an OCI layout (a directory, or a tar).  ``name`` is for the image if
    there is but one.  Yields sentences for the user.  Raises UsageError, Refused or Corrupt,
    and then the store is as it was.
    """
    named = None if name is None else str(parse(name))
    if not path.exists():
        raise UsageError(f"{path} is not there", "give a tar or a directory")
    if not path.is_dir() and not path.is_file():
        raise UsageError(f"{path} is neither a file nor a directory", "give a tar")
    with store.changing(), _blaming(path):
        wanted = platform or this_platform()
        if not path.is_dir():
            arrived = yield from _from_file(store, path, wanted)
        elif (path / LAYOUT).exists() and (path / INDEX).exists():
            arrived = yield from _from_layout(store, path, wanted)
        else:
            layer = yield from pack(store, path)
            arrived = [([], _file_system(store, path, layer, layer.digest, wanted))]
        if not arrived:
            raise Corrupt("there is no image in it")
        if named is not None and len(arrived) != 1:
            there = ", ".join(names[0] for names, _ in arrived if names)
            raise Refused(f"there are {len(arrived)} images in it, {there}", "leave out NAME")
        images = []
        for names, of in arrived:
            usual = names or [str(parse(made_up(_stem(path))))]
            for each in [named] if named is not None else usual:
                images.append((yield from finish(store, each, of)))
    return images


def _from_file(store: Store, path: Path, platform: str) -> Generator[str, None, list[Arrived]]:
    with path.open("rb") as file:
        tape = Tape(Limited(Plain(file), store.limits.layer_bytes), store.limits)
        archive = is_archive(tape)
        file.seek(0)
    if not archive:
        layer, diff_id = _layer(store, path)
        return [([], _file_system(store, path, layer, diff_id, platform))]
    with path.open("rb") as file:
        limited = Limited(Plain(file), store.limits.layer_bytes)
        found = Archive(store, Tape(limited, store.limits))
    if INDEX not in found:
        return [
            ([str(parse(name)) for name in names], of) for names, of in found.docker_images()
        ]
    return (yield from _from_index(store, path, found.document(INDEX), found.fetch, platform))


def _from_layout(
    store: Store, path: Path, platform: str
) -> Generator[str, None, list[Arrived]]:
    def fetch(of: Descriptor) -> Iterator[str]:
        if not store.has(of):
            blob = path / "blobs" / "sha256" / hexadecimal(of.digest)
            # A FIFO would be waited for, and a device read without end.
            if not blob.is_file():
                raise Corrupt(f"{of.digest} is missing in it")
            with blob.open("rb") as file:
                store.add(file, of)
        return iter(())

    if not (path / INDEX).is_file():
        raise Corrupt(f"{INDEX} is no file")
    with (path / INDEX).open("rb") as file:
        index = file.read(store.limits.document_bytes + 1)
    if len(index) > store.limits.document_bytes:
        raise Corrupt(f"{INDEX} is too long")
    return (yield from _from_index(store, path, index, fetch, platform))


def _from_index(
    store: Store, path: Path, index: bytes, fetch: Fetch, platform: str
) -> Generator[str, None, list[Arrived]]:
    arrived = []
    for of in descriptors(load(index, INDEX), "manifests", INDEX):
        manifest = yield from gather(store, fetch, of, platform)
        arrived.append((_names(of, path), manifest))
    return arrived


def _names(of: Descriptor, path: Path) -> list[str]:
    """Return the name that an OCI layout gives an image: a whole one, or but a tag."""
    whole = of.annotations.get(FULL_NAME)
    tag = of.annotations.get(REF_NAME)
    if whole is None and tag is not None:
        whole = tag if ":" in tag or "/" in tag else f"{made_up(_stem(path))}:{tag}"
    return [] if whole is None else [str(parse(whole))]


def _layer(store: Store, path: Path) -> tuple[Descriptor, str]:
    """Take in the tar of a root file system; return it and the digest of its plain form."""
    with path.open("rb") as file:
        plain = Plain(file)
        limited = Limited(plain, store.limits.layer_bytes)
        if plain.kind in (XZ, BZIP2):
            # No image may have these inside.
            found = store.add(limited)
            return replace(found, media_type=layer_type(None)), found.digest
        hashing = Hashing(limited)
        hashing.exhaust()
        file.seek(0)
        found = store.add(file)
    return replace(found, media_type=layer_type(plain.kind)), hashing.digest


def _file_system(
    store: Store, path: Path, layer: Descriptor, diff_id: str, platform: str
) -> Descriptor:
    """Make configuration and manifest for a single layer; the same file gives the same ID."""
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
    of_config = store.add_document(json.dumps(config).encode(), CONFIG)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": of_config.as_json(),
        "layers": [layer.as_json()],
    }
    return store.add_document(json.dumps(manifest).encode(), MANIFEST)


def _stem(path: Path) -> str:
    name = path.resolve().name
    for ending in (".gz", ".xz", ".zst", ".bz2", ".tgz", ".tar"):
        name = name.removesuffix(ending)
    return name


@contextmanager
def _blaming(path: Path) -> Iterator[None]:
    try:
        yield
    except (Corrupt, UsageError) as error:
        raise Corrupt(f"{path}: {error.message}", error.fix) from error
