"""Archives that mean harm: nothing of them leaves its directory, and nothing is left."""

from __future__ import annotations

import gzip
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shellplay.image.digest import Corrupt, digest_of
from shellplay.image.import_archive import import_image
from shellplay.image.limits import Limits
from shellplay.image.store import Store
from shellplay.image.unpack import unpack
from tests.image.making import (
    Member,
    directory,
    drained,
    file,
    hard_link,
    layout,
    member,
    symlink,
    tar_of,
)

pytestmark = pytest.mark.everyone
DEEP = "/".join("d" * 300)


def contents(place: Path) -> set[str]:
    """Return all files below a directory."""
    return {str(path) for path in place.rglob("*") if not path.is_dir()}


def nothing_left(store: Store) -> bool:
    """Tell whether a store has no image and no trace of one."""
    places = (store.blobs, store.layers, store.incoming)
    return not store.manifests() and not any(
        entry for place in places for entry in place.iterdir()
    )


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ([file("../out")], "climbs out"),
        ([file("a/../../out")], "climbs out"),
        ([hard_link("x", "../../etc/passwd")], "climbs out"),
        ([hard_link("x", "/etc/passwd")], "not a file in this image"),
        ([hard_link("x", "x")], "not a file in this image"),
        ([directory("d"), hard_link("x", "d")], "not a file in this image"),
        ([symlink("l", "/etc"), hard_link("x", "l/passwd")], "not a file in this image"),
        ([symlink("l", "l"), file("l/x")], "links in a circle"),
        ([file("a"), file("a/b")], "below a file"),
        ([file("n" * 300)], "a name that no file can have"),
        ([file(DEEP)], "more than 256 directories"),
        ([symlink("l", "")], "leads to no name"),
        ([directory("d"), file("d/x"), hard_link("d", "d/x")], "No such file"),
        ([file("a", uid=-1)], "owner that cannot be"),
        ([file("a", pax_headers={"uid": str(1 << 40)})], "owner that cannot be"),
        ([file("a", pax_headers={"path": "a\0b"})], "NUL"),
        ([file("a", pax_headers={"path": "x" * (2 << 20)})], "more than 1 MiB"),
    ],
)
def test_a_bad_layer_is_named_by_its_digest_and_nothing_is_left(
    members: list[Member], sentence: str, store: Store, tmp_path: Path
) -> None:
    tar = tar_of(*members)
    before = contents(tmp_path)
    path = layout(tmp_path / "oci", tar)
    with pytest.raises(Corrupt, match=sentence) as caught:
        drained(import_image(store, path))
    assert digest_of(tar) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert nothing_left(store)
    assert before == contents(tmp_path) - contents(path) - contents(store.path)


@pytest.mark.parametrize("target", ["{out}", "../../../../../../../../../../..{out}"])
def test_links_are_kept_but_nothing_is_written_through_them(
    target: str, store: Store, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    target = target.format(out=out)
    tar = tar_of(
        symlink("l", target),
        file("l/x", "evil"),
        symlink("f", f"{target}/file"),
        file("f", "evil"),
        file("/abs", "1"),
        file(f"/{out}/y", "2"),
    )
    _, (image,) = drained(import_image(store, layout(tmp_path / "oci", tar)))
    assert not list(out.iterdir())
    _, unpacked = drained(unpack(store, image))
    with unpacked:
        (root,) = unpacked.directories
        assert (root / "l").readlink() == Path(target)
        assert (root / str(out).lstrip("/") / "x").read_text() == "evil"
        assert ((root / "f").read_text(), (root / "abs").read_text()) == ("evil", "1")


def test_links_of_a_layer_below_lead_nowhere_either(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "secret").write_text("secret")
    lower = tar_of(symlink("l", str(out)), directory("d"))
    upper = tar_of(file("l/x"), file("l/.wh.secret"), file("l/.wh..wh..opq"))
    drained(import_image(store, layout(tmp_path / "oci", lower, upper)))
    assert [path.name for path in out.iterdir()] == ["secret"]
    stealing = tar_of(hard_link("stolen", "l/secret"))
    with pytest.raises(Corrupt, match="not a file in this image"):
        drained(import_image(store, layout(tmp_path / "evil", lower, stealing)))


def test_a_device_that_overlayfs_would_take_for_a_whiteout_is_left_out(
    store: Store, tmp_path: Path
) -> None:
    node = member("x", tarfile.CHRTYPE, devmajor=0, devminor=0)
    said, _ = drained(import_image(store, layout(tmp_path / "oci", tar_of(node))))
    assert [line.partition(": ")[2] for line in said] == [
        "devices left out that would hide files: 1"
    ]


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(layer_bytes=1 << 20), "unpacks to more than 1048576 bytes"),
        (Limits(entries=10), "more than 10 entries"),
        (Limits(layers=1), "too many to be stacked"),
        (Limits(document_bytes=10), "too long"),
    ],
)
def test_a_bomb_is_refused_in_one_sentence(
    limits: Limits, sentence: str, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store", limits)
    big = tar_of(*(file(f"f{number}", "x" * 200_000) for number in range(11)))
    with pytest.raises(Corrupt, match=sentence):
        drained(import_image(store, layout(tmp_path / "oci", big, big)))
    assert nothing_left(store)


def test_a_gzip_bomb_is_not_blown_up(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", Limits(layer_bytes=1 << 20))
    tar = tmp_path / "bomb.tar.gz"
    tar.write_bytes(gzip.compress(tar_of(file("x")) + bytes(64 << 20)))
    assert tar.stat().st_size < 1 << 20
    with pytest.raises(Corrupt, match="unpacks to more than"):
        drained(import_image(store, tar))
    assert nothing_left(store)


def test_a_sparse_file_does_not_fill_the_disk(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", Limits(layer_bytes=1 << 20))
    headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.size": str(1 << 40),
        "GNU.sparse.map": f"{(1 << 40) - 1},1",
    }
    tar = tar_of(file("x", "1", pax_headers=headers))
    with pytest.raises(Corrupt, match="larger than a layer may be"):
        drained(import_image(store, layout(tmp_path / "oci", tar)))
    assert nothing_left(store)


def test_what_is_not_its_digest_is_refused(store: Store, tmp_path: Path) -> None:
    tar = tar_of(file("a"))
    path = layout(tmp_path / "oci", tar)
    blob = path / "blobs" / "sha256" / digest_of(tar).partition(":")[2]
    blob.write_bytes(blob.read_bytes().replace(b"a", b"b", 1))
    with pytest.raises(Corrupt, match=f"{digest_of(tar)} is damaged"):
        drained(import_image(store, path))
    assert nothing_left(store)


def test_what_is_not_what_its_configuration_says_is_refused(
    store: Store, tmp_path: Path
) -> None:
    other = f"sha256:{'ab' * 32}"
    path = layout(tmp_path / "oci", tar_of(file("a")), diff_ids=[other])
    with pytest.raises(Corrupt, match=f"its content is not {other}"):
        drained(import_image(store, path))
    assert nothing_left(store)


def test_a_cut_off_archive_is_refused(store: Store, tmp_path: Path) -> None:
    whole = tar_of(directory("bin"), file("bin/x", "x" * 5000))
    for data in (whole[:3000], gzip.compress(os.urandom(100) + whole)[:-500]):
        (tmp_path / "x.tar").write_bytes(data)
        with pytest.raises(Corrupt):
            drained(import_image(store, tmp_path / "x.tar"))
        assert nothing_left(store)


@given(data=st.data())
@settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_damage_to_a_tar_surprises_us(data: st.DataObject, tmp_path: Path) -> None:
    store = Store(tmp_path / "fuzzed")
    whole = bytearray(
        tar_of(
            directory("d"),
            file("d/a", "1", pax_headers={"SCHILY.xattr.user.x": "1", "path": "d/ä"}),
            hard_link("h", "d/ä"),
            symlink("l", "d"),
            file("l/" + "n" * 120),
        )
    )
    places = st.lists(
        st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=4
    )
    for place, value in data.draw(places):
        whole[place] = value
        # The sum is put right: otherwise every damage to a header is seen at once.
        header = place // 512 * 512
        if whole[header + 257 : header + 262] == b"ustar":
            whole[header + 148 : header + 156] = b" " * 8
            total = sum(whole[header : header + 512])
            whole[header + 148 : header + 156] = f"{total:06o}\0 ".encode()
    tar = tmp_path / "fuzzed.tar"
    tar.write_bytes(whole)
    try:
        drained(import_image(store, tar))
    except Corrupt as error:
        assert "\n" not in str(error)  # noqa: PT017
        assert nothing_left(store)
    for name in store.manifests():
        store.remove_name(name)
    assert store.collect_garbage()


@pytest.mark.parametrize("what", ["device", "fifo", "large"])
@pytest.mark.parametrize("name", ["index.json", "blob"])
def test_a_layout_of_files_that_have_no_end_is_refused(
    name: str, what: str, store: Store, tmp_path: Path
) -> None:
    path = layout(tmp_path / "made", tar_of(file("a", "1")))
    victim = path / name if name != "blob" else max((path / "blobs" / "sha256").iterdir())
    victim.unlink()
    if what == "device":
        victim.symlink_to("/dev/zero")
    elif what == "fifo":
        os.mkfifo(victim)
    else:
        victim.touch()
        os.truncate(victim, 1 << 40)
    with pytest.raises(Corrupt):
        drained(import_image(store, path))


def test_a_manifest_that_is_nested_without_end_is_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "saved.tar"
    path.write_bytes(tar_of(file("manifest.json", "[" * 100_000)))
    with pytest.raises(Corrupt, match=r"manifest\.json is broken or too long"):
        drained(import_image(store, path))
    assert nothing_left(store)
