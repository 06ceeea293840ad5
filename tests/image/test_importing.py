"""Root file systems, archives and layouts come into the store, and are unpacked."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from shellplay.errors import Refused, UsageError
from shellplay.image.digest import Corrupt
from shellplay.image.import_archive import import_image
from shellplay.image.manifest import Image
from shellplay.image.store import Store
from shellplay.image.unpack import unpack
from tests.image.making import busybox_root, directory, drained, file, layout, symlink, tar_of

pytestmark = pytest.mark.everyone


def imported(store: Store, path: Path, name: str | None = None) -> Image:
    """Import one image."""
    _, (image,) = drained(import_image(store, path, name))
    return image


def root_of(store: Store, image: Image) -> Path:
    """Return the only layer of an image on disk."""
    _, unpacked = drained(unpack(store, image))
    with unpacked:
        (found,) = unpacked.directories
        return found


@pytest.mark.parametrize("ending", ["", ".tar", ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst"])
def test_a_root_file_system_becomes_an_image(store: Store, tmp_path: Path, ending: str) -> None:
    root = source = busybox_root(tmp_path / "web")
    if ending:
        source = tmp_path / f"web{ending}"
        subprocess.run(["tar", "-C", root, "-caf", source, "."], check=True)
    image = imported(store, source)
    assert image.name == "docker.io/library/web:latest"
    found = root_of(store, image)
    assert sorted(path.name for path in (found / "bin").iterdir()) == ["busybox", "ls", "sh"]
    assert (found / "bin" / "busybox").samefile(found / "bin" / "sh")
    assert (found / "bin" / "ls").readlink() == Path("busybox")
    assert (found / "bin" / "busybox").read_bytes() == (root / "bin/busybox").read_bytes()
    assert (found / "tmp").stat().st_mode & 0o7777 == 0o1777
    ages = [(place / "bin").stat().st_mtime_ns // 10**9 for place in (found, root)]
    assert ages[0] == ages[1]
    owner = (found / "bin" / "busybox").stat()
    assert (owner.st_uid, owner.st_gid) == (os.geteuid(), os.getegid())


def test_the_same_file_gives_the_same_image(store: Store, tmp_path: Path) -> None:
    root = busybox_root(tmp_path / "web")
    assert imported(store, root, "one").id == imported(store, root, "two").id


def test_attributes_come_along_where_they_may(store: Store, tmp_path: Path) -> None:
    try:
        os.setxattr(tmp_path, "user.color", b"red")
    except OSError as error:
        pytest.skip(f"no user.* attributes here: {error.strerror}")
    headers = {"SCHILY.xattr.user.color": "blue", "SCHILY.xattr.user.overlay.redirect": "/etc"}
    tar = tmp_path / "x.tar"
    tar.write_bytes(tar_of(file("a", pax_headers=headers), directory("d", pax_headers=headers)))
    found = root_of(store, imported(store, tar))
    assert [os.listxattr(found / name) for name in ("a", "d")] == [["user.color"]] * 2
    assert os.getxattr(found / "a", "user.color") == b"blue"


def test_owners_are_kept_for_root_and_the_user_s_own_otherwise(
    store: Store, tmp_path: Path
) -> None:
    tar = tmp_path / "x.tar"
    owner: dict[str, Any] = {"uid": 33, "gid": 44}
    tar.write_bytes(tar_of(file("a", mode=0o4755, **owner), symlink("l", "a", **owner)))
    found = root_of(store, imported(store, tar))
    wanted = (33, 44) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    for name in ("a", "l"):
        stat = (found / name).lstat()
        assert (stat.st_uid, stat.st_gid) == wanted
    assert (found / "a").stat().st_mode & 0o7777 == 0o4755


def test_what_an_ordinary_user_could_not_read_is_readable_in_the_store(
    store: Store, tmp_path: Path
) -> None:
    tar = tmp_path / "x.tar"
    tar.write_bytes(tar_of(directory("d", mode=0), file("d/a", "secret", mode=0)))
    found = root_of(store, imported(store, tar))
    modes = (0, 0) if os.geteuid() == 0 else (0o700, 0o600)
    assert (
        (found / "d").stat().st_mode & 0o777,
        (found / "d/a").stat().st_mode & 0o777,
    ) == modes
    store.remove_name("docker.io/library/x:latest")
    assert store.collect_garbage()
    assert not found.exists()


def test_device_nodes_are_for_root_and_said_to_be_left_out_otherwise(
    store: Store, tmp_path: Path
) -> None:
    node = tarfile.TarInfo("null")
    node.type, node.devmajor, node.devminor = tarfile.CHRTYPE, 1, 3
    fifo = tarfile.TarInfo("fifo")
    fifo.type = tarfile.FIFOTYPE
    tar = tmp_path / "x.tar"
    tar.write_bytes(tar_of((node, b""), (fifo, b"")))
    said, (image,) = drained(import_image(store, tar))
    found = root_of(store, image)
    assert (found / "fifo").is_fifo()
    if os.geteuid() == 0:
        assert (said, (found / "null").is_char_device()) == ([], True)
    else:
        assert [line.partition(": ")[2] for line in said] == [
            "device nodes left out, only root may make them: 1"
        ]


def test_a_layout_is_read_with_its_configuration(store: Store, tmp_path: Path) -> None:
    config = {
        "Env": ["PATH=/bin", "A=1"],
        "Cmd": ["-c", "true"],
        "Entrypoint": ["/bin/sh"],
        "WorkingDir": "/src",
        "User": "33:44",
        "ExposedPorts": {"80/tcp": {}},
        "Labels": {"a": "b"},
    }
    path = layout(tmp_path / "oci", tar_of(file("a")), config=config, name="app:1")
    image = imported(store, path)
    assert image.name == "docker.io/library/app:1"
    found = image.config
    assert (found.environment, found.command) == (("PATH=/bin", "A=1"), ("-c", "true"))
    assert (found.entrypoint, found.directory, found.user) == (("/bin/sh",), "/src", "33:44")
    assert (found.ports, found.labels) == (("80/tcp",), {"a": "b"})


def test_a_name_that_is_given_wins(store: Store, tmp_path: Path) -> None:
    path = layout(tmp_path / "oci", tar_of(file("a")), name="app:1")
    assert imported(store, path, "me/other:2").name == "docker.io/me/other:2"


def test_a_name_that_is_but_a_tag_is_one_of_the_directory(store: Store, tmp_path: Path) -> None:
    path = layout(tmp_path / "App_1", tar_of(file("a")), name="v2")
    assert imported(store, path).name == "docker.io/library/app-1:v2"


@pytest.mark.parametrize("ending", [".tar", ".tar.gz"])
def test_a_layout_in_a_tar_is_one_too(store: Store, tmp_path: Path, ending: str) -> None:
    path = layout(tmp_path / "oci", tar_of(file("a", "x")), name="app:1")
    tar = tmp_path / f"app{ending}"
    subprocess.run(["tar", "-C", path, "-caf", tar, "."], check=True)
    image = imported(store, tar)
    assert image.name == "docker.io/library/app:1"
    assert (root_of(store, image) / "a").read_text() == "x"


def docker_save(path: Path, *layers: bytes, tags: list[str]) -> Path:
    """Write an archive as ``docker save`` did before it wrote layouts, links and all."""
    members = []
    names = []
    seen: dict[bytes, str] = {}
    for number, layer in enumerate(layers):
        name = f"{number:064x}/layer.tar"
        members.append(directory(f"{number:064x}"))
        if layer in seen:
            members.append(symlink(name, f"../{seen[layer]}"))
        else:
            members.append(file(name, layer.decode("latin-1")))
            members[-1] = (members[-1][0], layer)
            members[-1][0].size = len(layer)
        seen.setdefault(layer, name)
        names.append(name)
    import hashlib

    ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": ids}}
    members.append(file(f"{'c' * 64}.json", json.dumps(config)))
    listed = [{"Config": f"{'c' * 64}.json", "RepoTags": tags, "Layers": names}]
    members.append(file("manifest.json", json.dumps(listed)))
    path.write_bytes(tar_of(*members))
    return path


def test_what_docker_save_writes_is_read(store: Store, tmp_path: Path) -> None:
    same = tar_of(file("b", "2"))
    tar = docker_save(
        tmp_path / "saved.tar", tar_of(file("a", "1")), same, same, tags=["app:1", "app:2"]
    )
    _, images = drained(import_image(store, tar))
    assert [image.name for image in images] == [
        "docker.io/library/app:1",
        "docker.io/library/app:2",
    ]
    assert len(images[0].layers) == 3


def test_an_archive_without_a_tag_is_named_after_its_file(store: Store, tmp_path: Path) -> None:
    tar = docker_save(tmp_path / "My App.tar", tar_of(file("a")), tags=[])
    assert imported(store, tar).name == "docker.io/library/my-app:latest"


def test_several_images_have_no_single_name(store: Store, tmp_path: Path) -> None:
    path = layout(tmp_path / "oci", tar_of(file("a")), name="app:1")
    index = json.loads((path / "index.json").read_text())
    (one,) = index["manifests"]
    other = {**one, "annotations": {"org.opencontainers.image.ref.name": "app:2"}}
    index["manifests"].append(other)
    (path / "index.json").write_text(json.dumps(index))
    with pytest.raises(Refused, match="there are 2 images in it"):
        drained(import_image(store, path, "one"))


def test_an_archive_without_an_image_is_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "saved.tar"
    path.write_bytes(tar_of(file("manifest.json", "[]")))
    for name in (None, "one"):
        with pytest.raises(Refused, match="there is no image in it"):
            drained(import_image(store, path, name))


def test_an_index_gives_the_image_for_the_platform(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "oci"
    listed = []
    for architecture in ("arm64", "amd64"):
        layout(path, tar_of(file(architecture)))
        (one,) = json.loads((path / "index.json").read_text())["manifests"]
        one["platform"] = {"os": "linux", "architecture": architecture}
        listed.append(one)
    nested = json.dumps({"schemaVersion": 2, "manifests": listed}).encode()
    import hashlib

    digits = hashlib.sha256(nested).hexdigest()
    (path / "blobs" / "sha256" / digits).write_bytes(nested)
    of = {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": f"sha256:{digits}",
        "size": len(nested),
    }
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [of]}))
    for wanted in ("arm64", "amd64"):
        _, (image,) = drained(import_image(store, path, platform=f"linux/{wanted}"))
        assert [each.name for each in root_of(store, image).iterdir()] == [wanted]
    with pytest.raises(Refused, match=r"not made for linux/s390x \(it is for linux/amd64"):
        drained(import_image(store, path, platform="linux/s390x"))


def test_what_has_no_end_is_not_read(store: Store) -> None:
    with pytest.raises(UsageError, match="/dev/zero is neither a file nor a directory"):
        drained(import_image(store, Path("/dev/zero")))


def test_what_is_not_there_or_no_tar_is_one_sentence(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not there"):
        drained(import_image(store, tmp_path / "nix"))
    for data in (b"", b"#!/bin/sh\n", b"x" * 4096):
        (tmp_path / "text").write_bytes(data)
        with pytest.raises(Corrupt, match="it is not a tar") as caught:
            drained(import_image(store, tmp_path / "text"))
        assert "\n" not in str(caught.value)
    assert not store.manifests()
    assert not list(store.blobs.iterdir())
