"""The store: names, IDs, removal, damage, two processes at once, full and forbidden disks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shellplay.errors import Refused
from shellplay.image.digest import Corrupt
from shellplay.image.import_archive import import_image
from shellplay.image.store import Store, store_path
from shellplay.image.unpack import unpack
from tests.image.making import drained, file, in_mounts_of_its_own, layout, tar_of
from tests.repl.program import shellplay

pytestmark = pytest.mark.everyone


def test_an_image_is_found_by_name_and_by_the_beginning_of_its_id(
    store: Store, tmp_path: Path
) -> None:
    _, (image,) = drained(
        import_image(store, layout(tmp_path / "oci", tar_of(file("a")), name="web:1"))
    )
    digits = image.id.partition(":")[2]
    for word in ("web:1", "docker.io/library/web:1", image.id, digits, digits[:4]):
        assert store.get(word) == image
    for word in ("web", "web:2", "0000", "nix"):
        with pytest.raises(Refused, match=f"there is no image {word}"):
            store.get(word)


def test_a_name_is_for_the_image_that_came_last(store: Store, tmp_path: Path) -> None:
    for text in ("1", "2"):
        path = layout(tmp_path / text, tar_of(file("a", text)), name="web:1")
        drained(import_image(store, path))
    (image,) = store.images()
    _, unpacked = drained(unpack(store, image))
    with unpacked:
        assert (unpacked.directories[0] / "a").read_text() == "2"
    assert store.collect_garbage()
    assert len(list(store.layers.iterdir())) == 1
    assert len(list(store.blobs.iterdir())) == 3


def test_what_a_killed_import_left_goes_with_the_next_removal(store: Store) -> None:
    with store.locked():
        store.add_document(b"{}", "")
        (store.incoming / "tmpabc").mkdir()
        (store.incoming / "tmpabc" / "x").touch()
        (store.incoming / "tmpdef").touch()
    assert store.collect_garbage()
    places = (store.blobs, store.incoming)
    assert [list(place.iterdir()) for place in places] == [[], []]


def test_nothing_is_deleted_while_another_uses_the_store(store: Store) -> None:
    with store.locked():
        of = store.add_document(b"{}", "")
        assert not store.collect_garbage()
        assert store.has_blob(of)
    assert store.collect_garbage()
    assert not store.has_blob(of)


def test_damage_in_the_store_is_named_and_the_image_can_be_removed(
    store: Store, tmp_path: Path
) -> None:
    _, (image,) = drained(import_image(store, layout(tmp_path / "oci", tar_of(file("a")))))
    store.blob_path(image.id).write_bytes(b"{}")
    with pytest.raises(Corrupt, match=f"{image.name}: {image.id} is damaged") as caught:
        store.images()
    assert caught.value.fix == "image rm made:latest"
    name, _ = store.find("made")
    store.remove_name(name)
    assert store.collect_garbage()
    assert not store.images()


def test_the_store_is_the_user_s_own(store: Store) -> None:
    with store.locked():
        assert store.path.stat().st_mode & 0o777 == 0o700
    if os.geteuid() == 0:
        os.chown(store.path, 4242, 4242)
        with pytest.raises(Refused, match="belongs to uid 4242"), store.locked():
            pytest.fail("the store was used")


def test_it_is_an_oci_layout(store: Store, tmp_path: Path) -> None:
    drained(import_image(store, layout(tmp_path / "oci", tar_of(file("a")), name="web:1")))
    assert json.loads((store.path / "oci-layout").read_text())["imageLayoutVersion"] == "1.0.0"
    (one,) = json.loads((store.path / "index.json").read_text())["manifests"]
    assert one["annotations"] == {
        "org.opencontainers.image.ref.name": "docker.io/library/web:1"
    }


def test_several_processes_import_at_once(tmp_path: Path) -> None:
    shared = tar_of(*(file(f"f{number}", "x" * 1000) for number in range(300)))
    commands = []
    for number in range(4):
        path = layout(
            tmp_path / str(number), shared, tar_of(file(f"own{number}")), name=f"web:{number}"
        )
        line = f"image import {path}; image rm web:{number}; image import {path}"
        commands.append([sys.executable, "-m", "shellplay", "--no-config", "-q", "-c", line])
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data")}
    processes = [
        subprocess.Popen(
            command, env=environment, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        for command in commands
    ]  # fmt: skip
    for process in processes:
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (0, "")
    store = Store(tmp_path / "data" / "shellplay" / "images")
    assert [image.name[-1] for image in store.images()] == ["0", "1", "2", "3"]
    for image in store.images():
        _, unpacked = drained(unpack(store, image))
        with unpacked:
            assert len(list(unpacked.directories[0].iterdir())) == 300
    assert store.collect_garbage()
    assert len(list(store.layers.iterdir())) == 5
    assert not list(store.incoming.iterdir())


@pytest.mark.parametrize(
    ("mount", "sentence"),
    [
        ("-o size=3m,mode=700", "there is no space left for images"),
        ("-o ro,mode=700", "images cannot be made: Read-only file system"),
    ],
)
def test_a_full_or_read_only_disk_is_one_sentence_with_the_fix(
    mount: str, sentence: str, tmp_path: Path
) -> None:
    tar = tmp_path / "x.tar"
    tar.write_bytes(tar_of(file("a", "x" * (2 << 20))))
    data = tmp_path / "data"
    data.mkdir()
    script = (
        f"mount -t tmpfs {mount} tmpfs {data} || exit 99\n"
        f"export XDG_DATA_HOME={data}\n"
        f"{sys.executable} -m shellplay --no-config -c 'image import {tar}'\n"
        f"status=$?; find {data} -type f -size +1k -o -path '*/layers/*'; exit $status"
    )
    done = in_mounts_of_its_own(script)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert sentence in line
    assert "set XDG_DATA_HOME" in line


def test_the_place_of_the_store_is_the_xdg_data_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert store_path() == tmp_path / "shellplay" / "images"
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    assert store_path() == Path.home() / ".local/share/shellplay/images"


def test_looking_at_images_makes_no_store(tmp_path: Path) -> None:
    done = shellplay("-c", "images", XDG_DATA_HOME=str(tmp_path / "data"))
    assert (done.returncode, done.stdout) == (0, "no images (image import makes one)\n")
    assert not (tmp_path / "data").exists()


ADDS_AND_COLLECTS = """
import sys
from pathlib import Path
from shellplay.image.store import Store

store = Store(Path(sys.argv[1]))
for number in range(100):
    with store.locked():
        store.add_document(f"{sys.argv[2]} {number}".encode(), "text/plain")
    store.remove_name("nothing")
    store.collect_garbage()
"""


def test_what_one_process_is_writing_no_other_sweeps_away(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", ADDS_AND_COLLECTS, tmp_path / "images", name])
        for name in "abcd"
    ]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0, 0]
