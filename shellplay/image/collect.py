"""Collect the blobs of one image from any source, and make it an image of the store."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from shellplay.errors import Refused, ShellplayError
from shellplay.image.digest import Corrupt, short_digest
from shellplay.image.index import Fetch, choose
from shellplay.image.manifest import (
    INDEXES,
    MANIFESTS,
    Descriptor,
    Image,
    load_object,
    read_config_descriptor,
    read_descriptors,
)
from shellplay.image.store import Store
from shellplay.image.unpack import unpack

MAX_INDEX_DEPTH = 4


class ConnectionLost(ShellplayError):
    """The connection to the registry broke during a transfer; the received bytes are good."""


def collect_image(
    store: Store, fetch: Fetch, descriptor: Descriptor, platform: str
) -> Generator[str, None, Descriptor]:
    """Fetch all blobs of an image; return the descriptor of its manifest.

    ``descriptor`` is that of a manifest, or of an index that has one for ``platform``.  Yields
    sentences about the progress.  Raises Refused if the blob is not an image or there is none
    for the platform, and Corrupt.
    """
    for _ in range(MAX_INDEX_DEPTH):
        yield from fetch(descriptor)
        subject = f"the manifest {short_digest(descriptor.digest)}"
        manifest = store.read_document(descriptor)
        if descriptor.media_type in MANIFESTS:
            yield from fetch(read_config_descriptor(manifest, descriptor))
            for layer in read_descriptors(load_object(manifest, subject), "layers", subject):
                yield from fetch(layer)
            return descriptor
        if descriptor.media_type not in INDEXES:
            raise Refused(f"{subject} is not an image, but of the type {descriptor.media_type}")
        index = load_object(manifest, subject)
        manifests = read_descriptors(index, "manifests", subject)
        descriptor = yield from choose(store, fetch, manifests, platform)
    raise Corrupt(f"the index {descriptor.digest} has others in it, too deep")


def unpack_and_name(
    store: Store, name: str, descriptor: Descriptor
) -> Generator[str, None, Image]:
    """Unpack an image whose blobs are in the store, and set its name; return the image.

    Yields sentences about files that cannot be written.  Raises Refused or Corrupt.
    """
    image = store.read_image(name, replace(descriptor, annotations={}, platform=None))
    with (yield from unpack(store, image)):
        store.set_name(name, image.descriptor)
    return image
