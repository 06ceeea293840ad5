"""Archives are known by their content: what the builders of the world write, and call it."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from shellplay.errors import Refused
from shellplay.image.digest import Corrupt
from shellplay.image.import_archive import import_image
from shellplay.image.manifest import Image
from shellplay.image.store import Store
from shellplay.image.unpack import unpack
from tests.image.making import (
    Member,
    blob,
    directory,
    drained,
    file,
    hexadecimal,
    layout,
    member,
    symlink,
    tar_of,
)

pytestmark = pytest.mark.everyone

OCI = "application/vnd.oci.image."
LAYER = tar_of(file("a", "content of a"))


def zstd(data: bytes) -> bytes:
    """Compress by zstd(1)."""
    return subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True).stdout


Compress = Callable[[bytes], bytes]
COMPRESSIONS: dict[str, Compress] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
}


CONFIG = json.dumps(
    {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hexadecimal(LAYER)}"]},
    }
).encode()
ID = "0" * 60


def listing(config: str, layers: Sequence[str], tags: Sequence[str] | None) -> Member:
    """Return the entry of a manifest.json."""
    entry = {"Config": config, "RepoTags": tags, "Layers": layers}
    return file("manifest.json", json.dumps([entry]))


def saved(config: str, layer: str, *more: Member, data: bytes = LAYER) -> list[Member]:
    """Return the entries of an archive of docker save, the list last."""
    tags = ["app:1"]
    files = [member(config, data=CONFIG), member(layer, data=data)]
    return [*files, *more, listing(config, [layer], tags)]


ENTRIES = [{"Config": "c", "RepoTags": ["app:1"], "Layers": ["l"]}]
BUILDERS: dict[str, list[Member]] = {
    "jib": saved("config.json", f"{hexadecimal(LAYER)}.tar.gz", data=gzip.compress(LAYER)),
    "go-containerregistry": saved(
        f"sha256:{hexadecimal(CONFIG)}",
        f"{hexadecimal(LAYER)}.tar.gz",
        data=gzip.compress(LAYER),
    ),
    "bazel": saved("config.json", "layer_0.tar"),
    "ko": saved("config.json", "0/layer.tar"),
    "nix": saved(
        f"{hexadecimal(CONFIG)}.json",
        f"{'1' * 64}/layer.tar",
        directory("1" * 64),
        file(f"{'1' * 64}/VERSION", "1.0"),
        file(f"{'1' * 64}/json", "{}"),
        file("repositories", json.dumps({"app": {"1": "1" * 64}})),
    ),
    "with-dots": [
        member("./config.json", data=CONFIG),
        member("./deep/er/layer", data=LAYER),
        listing("./config.json", ["./deep/er/layer"], ["app:1"]),
    ],
    "with-blanks": saved("the config", "the layer"),
    "skopeo": [
        member(f"{hexadecimal(LAYER)}.tar", data=LAYER),
        symlink(f"{'2' * 64}/layer.tar", f"../{hexadecimal(LAYER)}.tar"),
        file(f"{'2' * 64}/json", "{}"),
        member(f"{hexadecimal(CONFIG)}.json", data=CONFIG),
        file("repositories", "{}"),
        listing(f"{hexadecimal(CONFIG)}.json", [f"{'2' * 64}/layer.tar"], ["app:1"]),
    ],
    "in-a-directory": [
        directory("out"),
        member("out/c", data=CONFIG),
        member("out/l", data=LAYER),
        file("out/manifest.json", json.dumps(ENTRIES)),
    ],
}


def imported(store: Store, path: Path, platform: str | None = None) -> Image:
    """Import one image, and look at its only file."""
    _, (image,) = drained(import_image(store, path, platform=platform))
    _, unpacked = drained(unpack(store, image))
    with unpacked:
        assert [(each / "a").read_text() for each in unpacked.directories] == ["content of a"]
    return image


@pytest.mark.parametrize("builder", BUILDERS)
def test_what_builders_write_is_read_whatever_they_call_it(
    store: Store, tmp_path: Path, builder: str
) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(*BUILDERS[builder]))
    image = imported(store, path)
    assert (image.name, image.config.command) == ("docker.io/library/app:1", ("sh",))
    assert image.id == f"sha256:{hexadecimal(CONFIG)}"


@pytest.mark.parametrize("builder", ["jib", "nix", "skopeo"])
def test_what_was_unpacked_from_an_archive_is_one_too(
    store: Store, tmp_path: Path, builder: str
) -> None:
    path = tmp_path / "a"
    path.mkdir()
    tar = tar_of(*BUILDERS[builder])
    subprocess.run(["tar", "-C", path, "-x"], input=tar, check=True)
    assert imported(store, path).name == "docker.io/library/app:1"


@pytest.mark.parametrize("inner", COMPRESSIONS)
@pytest.mark.parametrize("outer", COMPRESSIONS)
def test_every_compression_is_known_by_its_content(
    store: Store, tmp_path: Path, outer: str, inner: str
) -> None:
    path = tmp_path / "a.tar"
    members = saved("config.json", "layer_0.tar", data=COMPRESSIONS[inner](LAYER))
    path.write_bytes(COMPRESSIONS[outer](tar_of(*members)))
    imported(store, path)


@pytest.mark.parametrize("inner", COMPRESSIONS)
def test_the_media_type_of_a_layer_does_not_count(
    store: Store, tmp_path: Path, inner: str
) -> None:
    data = COMPRESSIONS[inner](LAYER)
    path = layout(
        tmp_path / "oci", data, diff_ids=[f"sha256:{hexadecimal(LAYER)}"], name="app:1"
    )
    imported(store, path)


def test_an_image_of_no_layers_is_one(store: Store, tmp_path: Path) -> None:
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": []}})
    entry = {"Config": "c", "RepoTags": ["empty:1"], "Layers": None}
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(file("c", config), file("manifest.json", json.dumps([entry]))))
    _, (image,) = drained(import_image(store, path))
    assert image.layers == ()


def test_a_name_that_only_its_builder_takes_is_replaced(store: Store, tmp_path: Path) -> None:
    members = saved("c", "l")
    members[-1] = listing("c", ["l"], ["Not A Name"])
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(*members))
    with pytest.raises(Corrupt, match="is not a name of an image"):
        drained(import_image(store, path))
    _, (image,) = drained(import_image(store, path, "mine"))
    assert image.name == "docker.io/library/mine:latest"


@pytest.mark.parametrize("content", ["{}", '{"name": "web app"}', '["x"]', "no json", ""])
@pytest.mark.parametrize("name", ["manifest.json", "index.json", "repositories"])
def test_a_root_file_system_with_such_names_stays_one(
    store: Store, tmp_path: Path, name: str, content: str
) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(file("a", "content of a"), directory("etc"), file(name, content)))
    imported(store, path)


OLD = "3" * 64
UNREADABLE: dict[str, tuple[list[Member], str]] = {
    "old": (
        [
            file("repositories", json.dumps({"app": {"1": OLD}})),
            file(f"{OLD}/json", "{}"),
            member(f"{OLD}/layer.tar", data=LAYER),
        ],
        "before Docker 1.10",
    ),
    "old without a name": (
        [file(f"{OLD}/json", "{}"), member(f"{OLD}/layer.tar", data=LAYER)],
        "before Docker 1.10",
    ),
    "layout without an index": (
        [file("oci-layout", '{"imageLayoutVersion":"1.0.0"}'), directory("blobs")],
        "an OCI image layout without index.json",
    ),
    "broken list": (
        [file("manifest.json", "[{"), member(f"{OLD}.tar", data=LAYER)],
        "manifest.json is broken or too long",
    ),
    "list without a configuration": (
        [file("manifest.json", '[{"Layers": ["l"]}]'), member("l", data=LAYER)],
        "not as docker save writes it",
    ),
    "missing layer": (
        [member("c", data=CONFIG), listing("c", ["l"], ["app:1"])],
        "l is missing in it",
    ),
}


@pytest.mark.parametrize("what", UNREADABLE)
@pytest.mark.parametrize("unpacked", [False, True])
def test_what_is_recognised_and_cannot_be_read_never_becomes_a_root(
    store: Store, tmp_path: Path, what: str, unpacked: bool
) -> None:
    members, sentence = UNREADABLE[what]
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(*members))
    if unpacked:
        (tmp_path / "a").mkdir()
        subprocess.run(["tar", "-C", tmp_path / "a", "-xf", path], check=True)
        path = tmp_path / "a"
    with pytest.raises(Refused, match=sentence):
        drained(import_image(store, path))
    assert store.images() == []


def test_a_link_in_a_directory_leads_to_nothing_outside(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.mkdir()
    (tmp_path / "secret").write_bytes(LAYER)
    tar = tar_of(member("c", data=CONFIG), symlink("l", "../secret"), listing("c", ["l"], None))
    subprocess.run(["tar", "-C", path, "-x"], input=tar, check=True)
    with pytest.raises(Corrupt, match="l is missing"):
        drained(import_image(store, path))


# -- skopeo copy dir: ------------------------------------------------------------------------


@pytest.mark.parametrize("tarred", [False, True])
def test_a_directory_of_skopeo_is_read(store: Store, tmp_path: Path, tarred: bool) -> None:
    path = tmp_path / "app"
    path.mkdir()
    manifest = {
        "schemaVersion": 2,
        "config": blob(path, CONFIG, f"{OCI}config.v1+json"),
        "layers": [blob(path, LAYER, f"{OCI}layer.v1.tar")],
    }
    (path / "manifest.json").write_text(json.dumps(manifest))
    (path / "version").write_text("Directory Transport Version: 1.1\n")
    if tarred:
        subprocess.run(["tar", "-C", path, "-cf", tmp_path / "app.tar", "."], check=True)
        path = tmp_path / "app.tar"
    assert imported(store, path).name == "docker.io/library/app:latest"
