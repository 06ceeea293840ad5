"""An index of images, wherever it stands: one image for each name and platform."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shellplay.errors import Refused
from shellplay.image.import_archive import import_image
from shellplay.image.store import Store
from tests.image.making import blob, drained, file, layout, tar_of

pytestmark = pytest.mark.everyone

OCI = "application/vnd.oci.image."
LAYER = tar_of(file("a", "content of a"))


def variant(path: Path, architecture: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Add an image for an architecture to a layout; return its entry."""
    layer = tar_of(file("made-for", architecture))
    layout(path, layer, config={"Labels": {"for": architecture}})
    (entry,) = json.loads((path / "index.json").read_text())["manifests"]
    manifest = json.loads(blob_of(path, entry))
    config = json.loads(blob_of(path, manifest["config"]))
    config["architecture"] = architecture
    manifest["config"] = into(path, config, f"{OCI}config.v1+json")
    return {**into(path, manifest, f"{OCI}manifest.v1+json"), **more}


def blob_of(path: Path, descriptor: Mapping[str, Any]) -> bytes:
    """Read the blob of a descriptor in a layout."""
    digits: str = descriptor["digest"].removeprefix("sha256:")
    return (path / "blobs/sha256" / digits).read_bytes()


def into(path: Path, document: object, media_type: str) -> dict[str, Any]:
    """Add a JSON document to a layout; return its descriptor."""
    data = json.dumps(document).encode()
    return blob(path / "blobs/sha256", data, media_type)


def index(path: Path, *entries: Mapping[str, Any]) -> Path:
    """Write the index of a layout."""
    document = {"schemaVersion": 2, "manifests": entries}
    (path / "index.json").write_text(json.dumps(document))
    return path


def on(architecture: str) -> dict[str, Any]:
    """Return the platform of an entry."""
    return {"platform": {"os": "linux", "architecture": architecture}}


def named(name: str) -> dict[str, Any]:
    """Return the annotation with the name of an entry."""
    return {"annotations": {"org.opencontainers.image.ref.name": name}}


ATTESTATION = {
    "platform": {"os": "unknown", "architecture": "unknown"},
    "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
}


def chosen(store: Store, path: Path, wanted: str, name: str | None = None) -> list[str]:
    """Import for a platform; return the name and the architecture of each image."""
    _, images = drained(import_image(store, path, name, platform=f"linux/{wanted}"))
    return [f"{image.name.rpartition('/')[2]} {image.config.architecture}" for image in images]


@pytest.mark.parametrize("name", [None, "t"])
@pytest.mark.parametrize("spelled", ["platform", "configuration", "both", "none named"])
def test_the_entries_of_one_name_are_one_image_for_several_platforms(
    store: Store, tmp_path: Path, spelled: str, name: str | None
) -> None:
    path = tmp_path / "rev"
    entries = []
    for number, architecture in enumerate(("amd64", "arm64")):
        more = on(architecture) if spelled != "configuration" else {}
        if spelled == "both" and number:
            more = {}
        more |= {} if spelled == "none named" else named("rev:1")
        entries.append(variant(path, architecture, **more))
    attestation = {**variant(path, "riscv64"), **ATTESTATION}
    index(path, attestation, *entries)
    expected = "t:latest" if name else "rev:latest" if spelled == "none named" else "rev:1"
    for wanted in ("amd64", "arm64"):
        assert chosen(store, path, wanted, name) == [f"{expected} {wanted}"]
    with pytest.raises(Refused, match=r"not made for linux/s390x \(it is for linux/amd64"):
        chosen(store, path, "s390x")


def test_each_name_is_an_image(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "oci"
    entries = [
        variant(path, "amd64", **on("amd64"), **named("one:1")),
        variant(path, "arm64", **on("arm64"), **named("one:1")),
        variant(path, "arm64", **on("arm64"), **named("two:1")),
    ]
    index(path, *entries)
    assert chosen(store, path, "arm64") == ["one:1 arm64", "two:1 arm64"]
    with pytest.raises(Refused, match=r"there are 2 images in it, one:1, two:1 \(leave out"):
        chosen(store, path, "arm64", "t")


def test_what_is_named_x86_64_is_for_amd64(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "oci"
    entries = [variant(path, "arm64", **on("aarch64")), variant(path, "amd64", **on("x86_64"))]
    index(path, *entries)
    assert chosen(store, path, "amd64") == ["oci:latest amd64"]


def test_signatures_and_artifacts_are_no_images(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "oci"
    image = variant(path, "amd64", **on("amd64"), **named("app:1"))
    signature = {
        **variant(path, "s390x"),
        "annotations": {"kind": "dev.cosignproject.cosign/sigs"},
    }
    artifact = {**variant(path, "ppc64le"), "artifactType": "application/spdx+json"}
    index(path, signature, artifact, image)
    assert chosen(store, path, "amd64") == ["app:1 amd64"]


def test_images_that_nothing_tells_apart_are_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "oci"
    layout(path, LAYER)
    (one,) = json.loads((path / "index.json").read_text())["manifests"]
    layout(path, tar_of(file("b")))
    (two,) = json.loads((path / "index.json").read_text())["manifests"]
    for each in (one, two):
        del each["annotations"]
    index(path, one, two)
    with pytest.raises(Refused, match="2 images for linux/amd64 in it, without names"):
        drained(import_image(store, path, platform="linux/amd64"))
