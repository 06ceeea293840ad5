"""Gathers the blobs of one image, from wherever they come, and makes it an image of ours."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

from shellplay.errors import Refused, ShellplayError
from shellplay.image.digest import Corrupt, short
from shellplay.image.manifest import (
    INDEXES,
    MANIFESTS,
    Descriptor,
    Image,
    choose,
    config_descriptor,
    descriptors,
    load,
)
from shellplay.image.store import Store
from shellplay.image.unpack import unpack

# Brings the content of a descriptor into the store, and says how far it is.
Fetch = Callable[[Descriptor], Iterator[str]]
NESTED = 4


class Broken(ShellplayError):
    """The connection that content comes by broke off; what has come is good."""


def gather(
    store: Store, fetch: Fetch, of: Descriptor, platform: str
) -> Generator[str, None, Descriptor]:
    """Fetch the image for a platform that a manifest or an index names; return its manifest.

    Raises Refused if it is no image, or none for that platform, and Corrupt.
    """
    for _ in range(NESTED):
        yield from fetch(of)
        what = f"the manifest {short(of.digest)}"
        data = store.document(of)
        if of.media_type in MANIFESTS:
            yield from fetch(config_descriptor(data, of))
            for layer in descriptors(load(data, what), "layers", what):
                yield from fetch(layer)
            return of
        if of.media_type not in INDEXES:
            raise Refused(f"{what} is no image, but of the type {of.media_type}")
        of = choose(descriptors(load(data, what), "manifests", what), platform)
    raise Corrupt(f"the index {of.digest} has others in it, too deep")


def finish(store: Store, name: str, of: Descriptor) -> Generator[str, None, Image]:
    """Unpack an image that is in the store, and give it its name; return it."""
    image = store.image(name, replace(of, annotations={}, platform=None))
    with (yield from unpack(store, image)):
        store.put(name, image.descriptor)
    return image
