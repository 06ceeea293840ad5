"""What is written out is read by the tools that everybody has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shellplay.errors import Refused
from shellplay.image.digest import Corrupt
from shellplay.image.export import export_image
from shellplay.image.import_archive import import_image
from shellplay.image.manifest import Image
from shellplay.image.store import Store
from tests.image.making import busybox_root, drained, file, in_mounts_of_its_own, layout, tar_of

pytestmark = pytest.mark.everyone


@pytest.fixture
def image(store: Store, tmp_path: Path) -> Image:
    """An image with two layers and a configuration."""
    path = layout(
        tmp_path / "made",
        tar_of(file("a", "1")),
        tar_of(file("b", "2")),
        config={"Env": ["A=1"], "Cmd": ["/bin/sh"]},
        name="web:1",
    )
    _, (found,) = drained(import_image(store, path))
    return found


def run(*command: str | Path) -> str:
    """Run a program that may be missing, which skips the test, and return its output."""
    program = str(command[0])
    if not shutil.which(program):
        pytest.skip(f"needs {program}")
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("out", "oci:{out}:web:1"),
        ("out.tar", "oci-archive:{out}:web:1"),
        ("out.tar", "docker-archive:{out}:web:1"),
    ],
)
def test_skopeo_reads_it(
    target: str, source: str, image: Image, store: Store, tmp_path: Path
) -> None:
    out = tmp_path / target
    export_image(store, image, out)
    policy = "--insecure-policy"
    copy = tmp_path / "copy"
    run("skopeo", policy, "copy", "--quiet", source.format(out=out), f"dir:{copy}")
    found = json.loads((copy / "manifest.json").read_text())
    assert len(found["layers"]) == 2
    config = json.loads((copy / found["config"]["digest"].partition(":")[2]).read_text())
    assert config["config"] == {"Env": ["A=1"], "Cmd": ["/bin/sh"]}


def test_umoci_unpacks_it(image: Image, store: Store, tmp_path: Path) -> None:
    export_image(store, image, tmp_path / "out")
    bundle = tmp_path / "bundle"
    run("umoci", "unpack", "--rootless", "--image", f"{tmp_path}/out:web:1", bundle)
    assert {path.name for path in (bundle / "rootfs").iterdir()} == {"a", "b"}


@pytest.mark.parametrize(
    "kind", ["docker-archive:{out}:web:1", "oci:{out}:web:1", "oci-archive:{out}:web:1"]
)
def test_what_skopeo_writes_is_imported(kind: str, store: Store, tmp_path: Path) -> None:
    root = busybox_root(tmp_path / "root")
    _, (image,) = drained(import_image(store, root, "first"))
    export_image(store, image, tmp_path / "out")
    name = "out2" if kind.startswith("oci:") else "out2.tar"
    source = f"oci:{tmp_path}/out:first:latest"
    target = kind.format(out=tmp_path / name)
    run("skopeo", "--insecure-policy", "copy", "--quiet", source, target)
    _, (again,) = drained(import_image(store, tmp_path / name))
    assert again.name == "docker.io/library/web:1"
    assert again.config.diff_ids == image.config.diff_ids


@pytest.mark.parametrize("target", ["out", "out.tar"])
def test_what_was_exported_comes_back_as_the_same_image(
    target: str, image: Image, store: Store, tmp_path: Path
) -> None:
    export_image(store, image, tmp_path / target)
    other = Store(tmp_path / "other")
    _, (found,) = drained(import_image(other, tmp_path / target))
    assert found == image


def test_a_layout_takes_another_image_and_a_newer_one(
    image: Image, store: Store, tmp_path: Path
) -> None:
    _, (other,) = drained(import_image(store, tmp_path / "made", "other"))
    for each in (image, other, image):
        export_image(store, each, tmp_path / "out")
    found = json.loads((tmp_path / "out" / "index.json").read_text())["manifests"]
    names = [one["annotations"]["org.opencontainers.image.ref.name"] for one in found]
    assert sorted(names) == ["other:latest", "web:1"]


def test_nothing_else_is_written_over(image: Image, store: Store, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "file").touch()
    for name, sentence in (("full", "not empty"), ("file", "no directory")):
        with pytest.raises(Refused, match=sentence):
            export_image(store, image, tmp_path / name)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["x"]


def test_an_export_that_fails_leaves_no_file(
    image: Image, store: Store, tmp_path: Path
) -> None:
    store.blob_path(image.layers[1].digest).unlink()
    (tmp_path / "out").mkdir()
    for name in ("x.tar", "directory"):
        with pytest.raises(Corrupt, match=r"the store lacks its layer .*import it again"):
            export_image(store, image, tmp_path / "out" / name)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("name", ["x.tar", "new", "new/deep", "layout", "empty"])
@pytest.mark.parametrize(
    ("limit", "reason"), [("rw", "No space left on device"), ("ro", "Read-only")]
)
def test_a_place_that_takes_nothing_is_named_and_nothing_is_left(
    limit: str, reason: str, name: str, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise" / "file").write_bytes(os.urandom(3 << 20))
    drained(import_image(store, tmp_path / "noise", "web"))
    place = tmp_path / "place"
    place.mkdir()
    script = (
        f"mount -t tmpfs -o mode=700,size=2600k tmpfs {place} || exit 99\n"
        f"mkdir {place}/empty {place}/layout\n"
        f"echo '{{\"manifests\": []}}' >{place}/layout/index.json\n"
        f"mount -o remount,bind,{limit} {place} || exit 98\n"
        f"export XDG_DATA_HOME={tmp_path}/data\n"
        f"find {place} >{tmp_path}/before\n"
        f"{sys.executable} -m shellplay --no-config -c 'image export web {place}/{name}'\n"
        f"status=$?; find {place} >{tmp_path}/after; exit $status"
    )
    data = tmp_path / "data" / "shellplay"
    data.mkdir(parents=True)
    (data / "images").symlink_to(store.path)
    done = in_mounts_of_its_own(script)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{place}/{name} cannot be written: {reason}" in done.stderr
    assert "take another place" in done.stderr
    assert (tmp_path / "after").read_text() == (tmp_path / "before").read_text()
