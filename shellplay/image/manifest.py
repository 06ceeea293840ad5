"""Read and check the JSON documents of an image: descriptors, manifest, index, configuration.

Both the OCI image-spec (manifest.md, config.md) and Docker's schema 2 are read: their fields
are the same, only the media types differ.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shellplay.errors import UsageError
from shellplay.image.digest import Corrupt, digest_of, is_digest, short_digest
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
CONFIGS = (CONFIG, f"{DOCKER}container.image.v1+json")
REF_NAME = "org.opencontainers.image.ref.name"
FULL_NAME = "io.containerd.image.name"
# JSON can have halves of UTF-16 pairs, which are no characters and have no encoding.
UNPAIRED = re.compile("[\ud800-\udfff]")
MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
# Of these architectures the variant is the one that every machine has.
DEFAULT_VARIANTS = {"linux/arm64/v8": "linux/arm64", "linux/amd64/v1": "linux/amd64"}
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Descriptor:
    """The media type, digest and size in bytes of one blob (image-spec, descriptor.md).

    ``platform`` is written as ``linux/amd64`` or ``linux/arm/v7``; None if it is not given.
    ``artifact_type`` is that of a manifest which is not an image; None if it is not given.
    """

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    platform: str | None = None
    artifact_type: str | None = None

    def as_json(self) -> dict[str, object]:
        """Return the descriptor as a JSON object of the image-spec, without the platform."""
        document: dict[str, object] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        return document


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration of an image: its platform, its layers, and the process to start in it.

    ``command`` and ``entrypoint`` are lists of words.  ``diff_ids`` are the digests of the
    layers as uncompressed tars, the lowest layer first.  ``created`` is RFC 3339, or None
    (image-spec, config.md).
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
        """The chain ID of each layer: a digest of the layer and all layers below it.

        It is the DiffID for the lowest layer, else the digest of ``CHAINID_BELOW DIFFID``
        (image-spec, config.md, "Layer ChainID").
        """
        chain_ids: list[str] = []
        for diff_id in self.diff_ids:
            pair = f"{chain_ids[-1]} {diff_id}" if chain_ids else ""
            chain_ids.append(digest_of(pair.encode()) if pair else diff_id)
        return tuple(chain_ids)


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
        """The image ID: as in Docker, the digest of the configuration."""
        return self.config_descriptor.digest

    @property
    def size(self) -> int:
        """The size of the stored layers in bytes, compressed if the layers are."""
        return sum(layer.size for layer in self.layers)


def load_object(data: bytes, subject: str) -> Json:
    """Parse a JSON object; raises Corrupt, with ``subject`` as the name of the document."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{subject} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise Corrupt(f"{subject} is not JSON object")
    return document


def read_descriptor(document: object, subject: str) -> Descriptor:
    """Read the descriptor in a JSON value of the document ``subject``; raises Corrupt."""
    fields = document if isinstance(document, dict) else {}
    match fields:
        case {"mediaType": str(media_type), "digest": str(digest), "size": int(size)}:
            if is_digest(digest) and size >= 0:
                annotations = _string_map(fields.get("annotations"), subject)
                platform = platform_name(fields.get("platform"))
                artifact = fields.get("artifactType")
                artifact_type = artifact if isinstance(artifact, str) else None
                return Descriptor(
                    media_type, digest, size, annotations, platform, artifact_type
                )
    raise Corrupt(f"{subject} has a descriptor without type, sha256 digest or size")


def read_descriptors(document: Json, key: str, subject: str) -> tuple[Descriptor, ...]:
    """Read the list of descriptors that a document has under ``key``; raises Corrupt."""
    entries = document.get(key)
    if not isinstance(entries, list):
        raise Corrupt(f"{subject} has no list of {key}")
    return tuple(read_descriptor(entry, subject) for entry in entries)


def read_image(
    name: str,
    descriptor: Descriptor,
    manifest: bytes,
    config: bytes,
    limits: Limits | None = None,
) -> Image:
    """Read an image from the bytes of its manifest and configuration.

    ``descriptor`` is that of the manifest; ``limits`` are the default ones if None.  Raises
    Corrupt.
    """
    subject = f"the manifest {short_digest(descriptor.digest)}"
    document = load_object(manifest, subject)
    layers = read_descriptors(document, "layers", subject)
    config_descriptor = read_descriptor(document.get("config"), subject)
    config_subject = f"the configuration {short_digest(config_descriptor.digest)}"
    parsed = _read_config(load_object(config, config_subject))
    if len(parsed.diff_ids) != len(layers):
        raise Corrupt(f"{subject} has {len(layers)} layers, its configuration another number")
    if len(layers) > (limits or Limits()).layers:
        raise Corrupt(f"{subject} has {len(layers)} layers, too many to be stacked")
    return Image(name, descriptor, config_descriptor, layers, parsed)


def read_config_descriptor(manifest: bytes, descriptor: Descriptor) -> Descriptor:
    """Return the descriptor of the configuration that a manifest names; raises Corrupt.

    ``descriptor`` is that of the manifest.
    """
    subject = f"the manifest {short_digest(descriptor.digest)}"
    return read_descriptor(load_object(manifest, subject).get("config"), subject)


def manifest_document(config: Descriptor, layers: Iterable[Descriptor]) -> bytes:
    """Return the JSON of a manifest with these blobs (image-spec, manifest.md)."""
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.as_json(),
        "layers": [layer.as_json() for layer in layers],
    }
    return json.dumps(document).encode()


def host_platform() -> str:
    """Return the platform of this machine as images spell it: ``linux/amd64``."""
    machine = os.uname().machine
    return f"linux/{MACHINES.get(machine, machine)}"


def check_platform(text: str) -> None:
    """Raise UsageError if a text is not a platform."""
    if not re.fullmatch(r"[a-z0-9_.-]{1,64}(/[a-z0-9_.-]{1,64}){1,2}", text):
        raise UsageError(f"{text[:64]!r} is not a platform", "as in linux/arm64")


def platform_name(value: object) -> str | None:
    """Return the platform in a JSON value: that of a descriptor, or a configuration."""
    if not isinstance(value, dict):
        return None
    architecture = value.get("architecture")
    parts = (
        value.get("os"),
        MACHINES.get(str(architecture), architecture),
        value.get("variant"),
    )
    name = "/".join(str(part) for part in parts if part)
    return DEFAULT_VARIANTS.get(name, name) or None


def _read_config(document: Json) -> Config:
    subject = "the configuration"
    process = document.get("config") or {}
    rootfs = document.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(process, dict) or not isinstance(diff_ids, list):
        raise Corrupt(f"{subject} of this image has no list of its layers")
    if not all(isinstance(digest, str) and is_digest(digest) for digest in diff_ids):
        raise Corrupt(f"{subject} names a layer by what is not a sha256 digest")
    created = document.get("created")
    return Config(
        architecture=str(document.get("architecture", "")),
        os=str(document.get("os", "")),
        created=created if isinstance(created, str) else None,
        diff_ids=tuple(diff_ids),
        environment=_string_list(process, "Env"),
        entrypoint=_string_list(process, "Entrypoint"),
        command=_string_list(process, "Cmd"),
        directory=_string(process, "WorkingDir"),
        user=_string(process, "User"),
        ports=_texts(_object_or_empty(process, "ExposedPorts"), "ExposedPorts"),
        volumes=_texts(_object_or_empty(process, "Volumes"), "Volumes"),
        stop_signal=_string(process, "StopSignal"),
        labels=_string_map(process.get("Labels"), subject),
    )


def _object_or_empty(document: Json, key: str) -> Json:
    value = document.get(key) or {}
    if not isinstance(value, dict):
        raise Corrupt(f"{key} of the configuration is not an object")
    return value


def _string(document: Json, key: str) -> str:
    value = document.get(key) or ""
    return _texts([str(value)], key)[0]


def _string_list(document: Json, key: str) -> tuple[str, ...]:
    value = document.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Corrupt(f"{key} of the configuration is not a list of strings")
    return _texts(value, key)


def _texts(values: Iterable[str], key: str) -> tuple[str, ...]:
    """Return strings that can be passed to a program; raises Corrupt for another one."""
    found = tuple(values)
    if any("\0" in each or UNPAIRED.search(each) for each in found):
        raise Corrupt(f"{key} of the configuration has a character that no text may have")
    return found


def _string_map(value: object, subject: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise Corrupt(f"{subject} has annotations or labels that are not strings")
    return dict(value)
