"""The store of volumes: names, labels, who may remove what, and deep directories."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from shellplay.errors import Refused, UsageError
from shellplay.volume.removal import remove_tree
from shellplay.volume.store import VolumeStore

DEEP = 3000


@pytest.fixture
def store(tmp_path: Path) -> VolumeStore:
    """An empty store."""
    return VolumeStore(tmp_path / "volumes")


def test_only_the_user_may_enter_the_store(store: VolumeStore) -> None:
    volume = store.create("data", {"app": "web"})
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(volume.path.stat().st_mode) == 0o755
    assert store.get("data").labels == {"app": "web"}
    store.path.chmod(0o755)
    store.create("other")
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o700


def test_a_volume_that_is_there_stays_as_it_is(store: VolumeStore) -> None:
    (store.create("data", {"a": "1"}).path / "file").write_text("kept")
    again = store.create("data", {"a": "2"})
    assert again.labels == {"a": "1"}
    assert (again.path / "file").read_text() == "kept"


@pytest.mark.parametrize(
    "name", ["", "a", "..", "../x", ".hidden", "a/b", "a b", "ä1", "a" * 129]
)
def test_what_is_no_name_is_refused(store: VolumeStore, name: str) -> None:
    with pytest.raises(UsageError, match="is not a name for a volume"):
        store.create(name)


def test_one_that_is_held_is_not_removed(store: VolumeStore) -> None:
    volume = store.create("data")
    fd = store.hold(volume)
    try:
        assert store.is_used(volume)
        with pytest.raises(Refused, match="a container has the volume data"):
            store.remove("data")
        assert volume.path.is_dir()
    finally:
        os.close(fd)
    store.remove("data")
    assert store.volumes() == []
    with pytest.raises(Refused, match="there is no volume 'data'"):
        store.get("data")
    with pytest.raises(Refused, match="any more"):
        store.hold(volume)


def test_what_a_killed_playground_has_left_is_removed_with_the_next(store: VolumeStore) -> None:
    stale, kept = store.create_anonymous(), store.create_anonymous()
    store.unbind(kept.name)
    gone = store.path / ".removed-0123"
    gone.mkdir()
    fresh = store.create_anonymous()
    assert {each.name for each in store.volumes()} == {kept.name, fresh.name}
    assert not stale.path.exists()
    assert not gone.exists()


def test_a_damaged_record_is_told_with_the_way_out(store: VolumeStore) -> None:
    volume = store.create("data")
    (volume.path.parent / "volume.json").write_text("{")
    with pytest.raises(Refused, match="rm -r"):
        store.volumes()


@pytest.mark.slow
def test_directories_as_deep_as_a_program_can_make_them_are_removed(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    outside = tmp_path / "outside"
    outside.write_text("kept")
    fd = os.open(top, os.O_RDONLY)
    for number in range(DEEP):
        name = str(number % 7)
        os.mkdir(name, dir_fd=fd)
        os.symlink(outside, "link", dir_fd=fd)
        inner = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.fchmod(fd, 0o500 if number % 2 else 0o000)
        os.close(fd)
        fd = inner
    os.close(fd)
    remove_tree(top)
    assert not top.exists()
    assert outside.read_text() == "kept"
