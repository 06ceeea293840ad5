"""The documents of an image: descriptors, its manifest and its configuration, checked.

Both the OCI image specification and Docker's schema 2 are read; they have the same shape.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shellplay.errors import Refused
from shellplay.image.digest import Corrupt, digest_of, is_digest, short
from shellplay.image.limits import Limits

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
MANIFEST = f"{OCI}manifest.v1+json"
INDEX = f"{OCI}index.v1+json"
CONFIG = f"{OCI}config.v1+json"
LAYER = f"{OCI}layer.v1.tar"
DOCKER_MANIFEST = f"{DOCKER}distribution.manifest.v2+json"
DOCKER_LIST = f"{DOCKER}distribution.manifest.list.v2+json"
MANIFESTS = (MANIFEST, DOCKER_MANIFEST)
INDEXES = (INDEX, DOCKER_LIST)
REF_NAME = "org.opencontainers.image.ref.name"
FULL_NAME = "io.containerd.image.name"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Names content: its type, digest and size in bytes; ``platform`` as ``linux/amd64``."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    platform: str | None = None

    def as_json(self) -> dict[str, object]:
        """Return it as the specification writes it, without the platform."""
        found: dict[str, object] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        return {**found, "annotations": dict(self.annotations)} if self.annotations else found


@dataclass(frozen=True, slots=True)
class Config:
    """What an image says of the process that is to run in it, and of itself.

    ``command`` and ``entrypoint`` are lists of words; ``diff_ids`` are the digests of the
    layers as plain tar, the lowest first.
    """

    architecture: str
    os: str
    created: str | None
    diff_ids: tuple[str, ...]
    environment: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    directory: str = ""
    user: str = ""
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def chain_ids(self) -> tuple[str, ...]:
        """For each layer, what names it together with all layers below it."""
        found: list[str] = []
        for diff_id in self.diff_ids:
            chained = f"{found[-1]} {diff_id}" if found else ""
            found.append(digest_of(chained.encode()) if chained else diff_id)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Image:
    """One image of the store: its name, manifest and configuration."""

    name: str
    descriptor: Descriptor
    config_descriptor: Descriptor
    layers: tuple[Descriptor, ...]
    config: Config

    @property
    def id(self) -> str:
        """The digest of its configuration, which is what Docker calls its ID."""
        return self.config_descriptor.digest

    @property
    def size(self) -> int:
        """The bytes of its layers as they are stored."""
        return sum(layer.size for layer in self.layers)


def load(data: bytes, what: str) -> Json:
    """Return a JSON object; raises Corrupt that says what it was to be."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{what} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Corrupt(f"{what} is no JSON object")
    return found


def descriptor(found: object, what: str) -> Descriptor:
    """Read a descriptor; raises Corrupt."""
    if isinstance(found, dict):
        kind, digest, size = found.get("mediaType"), found.get("digest"), found.get("size")
        right = isinstance(kind, str) and isinstance(digest, str) and isinstance(size, int)
        if right and is_digest(str(digest)) and int(size or 0) >= 0:
            notes = _strings(found.get("annotations"), what)
            place = _platform(found.get("platform"))
            return Descriptor(str(kind), str(digest), int(size or 0), notes, place)
    raise Corrupt(f"{what} has a descriptor without type, sha256 digest or size")


def descriptors(found: Json, key: str, what: str) -> tuple[Descriptor, ...]:
    """Read a list of descriptors; raises Corrupt."""
    listed = found.get(key)
    if not isinstance(listed, list):
        raise Corrupt(f"{what} has no list of {key}")
    return tuple(descriptor(one, what) for one in listed)


def image(
    name: str, of: Descriptor, manifest: bytes, config: bytes, limits: Limits | None = None
) -> Image:
    """Read manifest and configuration of an image; raises Corrupt."""
    what = f"the manifest {short(of.digest)}"
    document = load(manifest, what)
    layers = descriptors(document, "layers", what)
    of_config = descriptor(document.get("config"), what)
    found = _config(load(config, f"the configuration {short(of_config.digest)}"))
    if len(found.diff_ids) != len(layers):
        raise Corrupt(f"{what} has {len(layers)} layers, its configuration another number")
    if len(layers) > (limits or Limits()).layers:
        raise Corrupt(f"{what} has {len(layers)} layers, too many to be stacked")
    return Image(name, of, of_config, layers, found)


def config_descriptor(manifest: bytes, of: Descriptor) -> Descriptor:
    """Return which configuration a manifest is about; raises Corrupt."""
    what = f"the manifest {short(of.digest)}"
    return descriptor(load(manifest, what).get("config"), what)


def this_platform() -> str:
    """Return this machine as images spell it: ``linux/amd64``."""
    machine = platform.machine()
    return f"linux/{MACHINES.get(machine, machine)}"


def choose(listed: tuple[Descriptor, ...], wanted: str) -> Descriptor:
    """Return the manifest for a platform (``linux/arm`` takes any variant); raises Refused.

    What says no platform fits any; attestations say ``unknown/unknown`` and fit none.
    """
    for one in listed:
        if one.platform is None or one.platform == wanted:
            return one
    for one in listed:
        if one.platform is not None and one.platform.startswith(f"{wanted}/"):
            return one
    there = ", ".join(sorted({one.platform or "" for one in listed} - {"unknown/unknown"}))
    raise Refused(f"this image is not made for {wanted}", f"it is for {there}: use --platform")


def _config(found: Json) -> Config:
    what = "the configuration"
    inner = found.get("config") or {}
    layers = (
        (found.get("rootfs") or {}).get("diff_ids") if _is_object(found, "rootfs") else None
    )
    if not isinstance(inner, dict) or not isinstance(layers, list):
        raise Corrupt(f"{what} of this image has no list of its layers")
    if not all(isinstance(one, str) and is_digest(one) for one in layers):
        raise Corrupt(f"{what} names a layer by what is no sha256 digest")
    created = found.get("created")
    return Config(
        architecture=str(found.get("architecture", "")),
        os=str(found.get("os", "")),
        created=created if isinstance(created, str) else None,
        diff_ids=tuple(layers),
        environment=_words(inner, "Env"),
        entrypoint=_words(inner, "Entrypoint"),
        command=_words(inner, "Cmd"),
        directory=str(inner.get("WorkingDir") or ""),
        user=str(inner.get("User") or ""),
        ports=tuple(_object(inner, "ExposedPorts")),
        volumes=tuple(_object(inner, "Volumes")),
        stop_signal=str(inner.get("StopSignal") or ""),
        labels=_strings(inner.get("Labels"), what),
    )


def _is_object(found: Json, key: str) -> bool:
    return isinstance(found.get(key) or {}, dict)


def _object(found: Json, key: str) -> Json:
    value = found.get(key) or {}
    if not isinstance(value, dict):
        raise Corrupt(f"{key} of the configuration is no object")
    return value


def _words(found: Json, key: str) -> tuple[str, ...]:
    value = found.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Corrupt(f"{key} of the configuration is no list of strings")
    return tuple(value)


def _strings(value: object, what: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise Corrupt(f"{what} has annotations or labels that are no strings")
    return dict(value)


def _platform(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    parts = (value.get("os"), value.get("architecture"), value.get("variant"))
    return "/".join(str(part) for part in parts if part)
