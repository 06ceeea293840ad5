"""Read the images that ``manifest.json`` lists, the archive of ``docker save``.

The builders of the world write it too, and call its files as they like: skopeo, jib, kaniko,
nix, bazel (moby, image/tarexport/load.go).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from shellplay.image.archive import Archive
from shellplay.image.archive_format import MANIFEST as DOCUMENT
from shellplay.image.compression import GZIP, ZSTD, DecompressingReader
from shellplay.image.digest import Corrupt
from shellplay.image.limits import LimitedReader
from shellplay.image.manifest import CONFIG, LAYER, MANIFEST, Descriptor, manifest_document
from shellplay.image.store import Store

# The names that an image is to get, and its manifest; its blobs are in the store.
NamedManifest = tuple[list[str], Descriptor]
# The image-spec has no media type for the others: their layers are stored as plain tars.
STORED = (None, GZIP, ZSTD)


def docker_images(store: Store, archive: Archive) -> list[NamedManifest]:
    """Return the names and the manifest of each image; raises Corrupt."""
    try:
        entries = json.loads(store.read_document(archive.descriptor(DOCUMENT)))
        return [_image(store, archive, entry) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Corrupt(f"its {DOCUMENT} is not as docker save writes it") from error


def _image(store: Store, archive: Archive, entry: Any) -> NamedManifest:  # noqa: ANN401 (JSON)
    layers = [_layer(store, archive, str(name)) for name in entry.get("Layers") or []]
    config = replace(archive.descriptor(str(entry["Config"])), media_type=CONFIG)
    names = [str(name) for name in entry.get("RepoTags") or []]
    return names, store.add_document(manifest_document(config, layers), MANIFEST)


def _layer(store: Store, archive: Archive, name: str) -> Descriptor:
    descriptor = archive.descriptor(name)
    with store.blob_path(descriptor.digest).open("rb") as file:
        content = DecompressingReader(file)
        if content.algorithm not in STORED:
            descriptor = store.add(LimitedReader(content, store.limits.layer_bytes))
            return replace(descriptor, media_type=LAYER)
    return replace(descriptor, media_type=layer_media_type(content.algorithm))


def layer_media_type(algorithm: str | None) -> str:
    """Return the media type of a layer with this compression, None for none."""
    assert algorithm in STORED
    return f"{LAYER}+{algorithm}" if algorithm else LAYER
