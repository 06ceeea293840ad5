"""An image, and whoever writes what becomes one, reach no further than its directory."""

from __future__ import annotations

import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from shellplay.errors import ShellplayError
from shellplay.image.overlay_changes import changes
from shellplay.image.pack import pack_directory
from shellplay.image.store import Store
from tests.image.conftest import store
from tests.image.making import drained

__all__ = ["store"]
pytestmark = pytest.mark.everyone
SECRET = "of the host"


@contextmanager
def swapped(directory: Path, target: Path) -> Iterator[None]:
    """Have a directory be a link to another one, and itself again, over and over."""
    aside, link = directory.with_name("aside"), directory.with_name("link")
    enough = threading.Event()
    link.symlink_to(target)

    def swap() -> None:
        while not enough.is_set():
            directory.rename(aside)
            link.rename(directory)
            directory.rename(link)
            aside.rename(directory)

    work = threading.Thread(target=swap, daemon=True)
    work.start()
    try:
        yield
    finally:
        enough.set()
        work.join()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A directory of the host with a file in it."""
    found = tmp_path / "host"
    found.mkdir()
    (found / "secret").write_text(SECRET)
    return found


@pytest.fixture
def upper(tmp_path: Path) -> Path:
    """What was written inside: a directory that is going to be another thing."""
    found = tmp_path / "upper"
    (found / "data").mkdir(parents=True)
    (found / "data" / "secret").write_text("of the inside")
    for number in range(50):
        (found / "data" / f"file{number}").write_text("of the inside")
    return found


def packed_text(store: Store, directory: Path) -> str:
    """Return the bytes of the layer that a directory becomes, as text."""
    with store.transaction():
        _, layer = drained(pack_directory(store, directory, overlay=True))
        return store.blob_path(layer.digest).read_text("latin-1")


def test_a_directory_that_becomes_a_link_leads_commit_nowhere_else(
    upper: Path, secret: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the worst moment: after it was seen to be a directory, and before it is read."""
    moved = upper.with_name("moved")
    walk = os.scandir

    def late(path: int | str) -> object:
        found = list(walk(path))
        if any(each.name == "data" for each in found):
            (upper / "data").rename(moved)
            (upper / "data").symlink_to(secret)
        return found

    monkeypatch.setattr(os, "scandir", late)
    try:
        packed = packed_text(store, upper)
    except ShellplayError:
        return
    assert SECRET not in packed


def test_a_directory_that_is_swapped_leads_nobody_out(
    upper: Path, secret: Path, store: Store
) -> None:
    (secret / "only-here").write_text("")
    with swapped(upper / "data", secret):
        for _ in range(20):
            with suppress(ShellplayError):
                assert SECRET not in packed_text(store, upper)
            with suppress(ShellplayError):
                found = {each.path for each in changes(upper, [])}
                assert "/data/only-here" not in found


def test_a_file_that_shrinks_while_it_is_read_is_named(
    upper: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = tarfile.TarFile.addfile

    def late(self: tarfile.TarFile, member: tarfile.TarInfo, content: object = None) -> None:
        if member.name == "data/secret":
            os.truncate(upper / "data" / "secret", 2)
        add(self, member, content)  # type: ignore[arg-type]

    monkeypatch.setattr(tarfile.TarFile, "addfile", late)
    with pytest.raises(ShellplayError, match="data/secret changed while it was read"):
        packed_text(store, upper)
