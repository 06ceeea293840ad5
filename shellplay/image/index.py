"""Choose from an index (image-spec, image-index.md): one rule, wherever the index is."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from shellplay.errors import Refused
from shellplay.image.manifest import (
    CONFIGS,
    INDEXES,
    MANIFESTS,
    Descriptor,
    load_object,
    platform_name,
    read_config_descriptor,
)
from shellplay.image.store import Store

# Brings the blob of a descriptor into the store; yields sentences about its progress.
Fetch = Callable[[Descriptor], Iterator[str]]
UNKNOWN = "unknown/unknown"
BUILDKIT_KIND, ATTESTATION = "vnd.docker.reference.type", "attestation-manifest"
COSIGN_KIND, COSIGN = "kind", "dev.cosignproject.cosign/"
COSIGN_IMAGES = (f"{COSIGN}image", f"{COSIGN}imageIndex")


def images_in(manifests: Sequence[Descriptor]) -> list[Descriptor]:
    """Return the entries of an index that may be images: no attestation and no signature."""
    return [each for each in manifests if _may_be_image(each)]


def _may_be_image(entry: Descriptor) -> bool:
    kind = entry.annotations.get(COSIGN_KIND, "")
    return (
        entry.media_type in (*MANIFESTS, *INDEXES)
        and entry.platform != UNKNOWN
        and entry.artifact_type in (None, *CONFIGS)
        and entry.annotations.get(BUILDKIT_KIND) != ATTESTATION
        and not (kind.startswith(COSIGN) and kind not in COSIGN_IMAGES)
    )


def choose(
    store: Store, fetch: Fetch, manifests: Sequence[Descriptor], wanted: str
) -> Generator[str, None, Descriptor]:
    """Return the entry of an index that fits the platform ``wanted`` best.

    Yields sentences about the progress.  Raises Refused if none fits, and Corrupt.
    """
    entries = yield from _with_platforms(store, fetch, manifests)
    return _fitting(entries, wanted)


def choose_nameless(
    store: Store, fetch: Fetch, manifests: Sequence[Descriptor], wanted: str
) -> Generator[str, None, Descriptor]:
    """Choose from entries that have no name; raises Refused also if several fit alike."""
    entries = yield from _with_platforms(store, fetch, manifests)
    chosen = _fitting(entries, wanted)
    rivals = [each for each in entries if each.platform == chosen.platform]
    if len(rivals) > 1:
        raise Refused(
            f"there are {len(rivals)} images for {chosen.platform or wanted} in it, without names",
            "name them, as skopeo copy oci:DIRECTORY:NAME does",
        )
    return chosen


def _with_platforms(
    store: Store, fetch: Fetch, manifests: Sequence[Descriptor]
) -> Generator[str, None, list[Descriptor]]:
    """Return the images of an index; of several each gets the platform of its configuration."""
    images = images_in(manifests) or list(manifests)
    if len(images) == 1:
        return images
    found = []
    for each in images:
        name = each.platform
        if name is None and each.media_type in MANIFESTS:
            name = yield from _configured_platform(store, fetch, each)
        found.append(replace(each, platform=name))
    return found


def _configured_platform(
    store: Store, fetch: Fetch, descriptor: Descriptor
) -> Generator[str, None, str]:
    """Return the platform in the configuration of an image, UNKNOWN for what is not an image."""
    yield from fetch(descriptor)
    config = read_config_descriptor(store.read_document(descriptor), descriptor)
    if config.media_type not in CONFIGS:
        return UNKNOWN
    yield from fetch(config)
    document = load_object(store.read_document(config), "the configuration")
    return platform_name(document) or UNKNOWN


def _fitting(entries: Sequence[Descriptor], wanted: str) -> Descriptor:
    """Return the first entry of just that platform, else of any, else of a variant of it.

    ``linux/arm`` fits any variant.  An index in the index has no platform: it may have one
    for every platform.
    """
    for each in entries:
        if each.platform == wanted:
            return each
    for each in entries:
        if each.platform is None or each.platform.startswith(f"{wanted}/"):
            return each
    platforms = {each.platform or "" for each in entries} - {UNKNOWN}
    raise Refused(
        f"this image is not made for {wanted}",
        f"it is for {', '.join(sorted(platforms))}: use --platform",
    )
