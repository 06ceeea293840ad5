"""An image, and whoever writes what becomes one, reach no further than its directory."""

from __future__ import annotations

import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from shellplay.errors import Refused, ShellplayError
from shellplay.image import layer_writer
from shellplay.image.digest import Corrupt
from shellplay.image.import_archive import import_image
from shellplay.image.limits import Limits
from shellplay.image.overlay_changes import changes
from shellplay.image.pack import pack_directory
from shellplay.image.store import Store
from shellplay.image.unpack import unpack
from tests.image.conftest import store
from tests.image.making import drained, file, layout, tar_of

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


# -- bombs: a few bytes that become many ------------------------------------------------------

BLOCK = 512
MIB = 1 << 20


def sparse_tar(directory: Path, *, size: int, files: int = 1) -> bytes:
    """Return a tar of files that are one hole each, as GNU tar writes them."""
    names = [f"hole{number}" for number in range(files)]
    for name in names:
        (directory / name).touch()
        os.truncate(directory / name, size)
    words = ["tar", "--sparse", "--create", "--directory", str(directory), *names]
    return subprocess.run(words, capture_output=True, check=True).stdout


def header(kind: bytes, size: int, *, extended: bool = False) -> bytes:
    """Return the header of an entry by hand: also one that no library would write."""
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, size
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    if extended:
        block[482] = 1
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def pax_record(key: str, value: str) -> bytes:
    """Return one attribute of a pax header, whose length counts itself."""
    rest = len(key) + len(value) + 3
    length = next(n for n in range(rest, rest + 12) if len(str(n)) + rest == n)
    return f"{length} {key}={value}\n".encode()


def padded(data: bytes) -> bytes:
    """Return data that ends with a block."""
    return data + bytes(-len(data) % BLOCK)


def chain(kind: bytes, links: int) -> bytes:
    """Return extension headers of half a MiB each, with other attributes in each."""
    found = []
    for number in range(links):
        value = pax_record(f"key{number}", "v" * (MIB // 2))
        data = value if kind in (tarfile.XGLTYPE, tarfile.XHDTYPE) else b"n" * (MIB // 2)
        found.append(header(kind, len(data)) + padded(data))
    return b"".join(found)


def unpacked(store: Store, path: Path, tar: bytes) -> Path:
    """Bring an image of one layer to disk; return the directory of that layer."""
    _, (image,) = drained(import_image(store, layout(path, tar)))
    _, found = drained(unpack(store, image))
    with found:
        (directory,) = found.directories
    return Path(directory)


def test_a_hole_stays_a_hole(store: Store, tmp_path: Path) -> None:
    tar = sparse_tar(tmp_path, size=256 * MIB)
    assert len(tar) < 100_000
    directory = unpacked(store, tmp_path / "oci", tar)
    status = (directory / "hole0").stat()
    assert (status.st_size, status.st_blocks * 512 < MIB) == (256 * MIB, True)


def test_one_budget_is_for_all_files_of_a_layer(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", Limits(layer_bytes=4 * MIB))
    tar = sparse_tar(tmp_path, size=MIB, files=5)
    with pytest.raises(Corrupt, match="unpacks to more than"):
        unpacked(store, tmp_path / "oci", tar)


@pytest.mark.parametrize(
    "kind",
    [tarfile.XGLTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK],
    ids=["global", "attributes", "name", "link"],
)
def test_a_chain_of_headers_is_not_kept_without_end(
    kind: bytes, store: Store, tmp_path: Path
) -> None:
    tar = chain(kind, 40) + tar_of(file("a", "1"))
    with pytest.raises(Corrupt, match=r"header of more than 4 MiB|too many attributes"):
        unpacked(store, tmp_path / "oci", tar)


def test_attributes_for_all_entries_are_few(store: Store, tmp_path: Path) -> None:
    parts = []
    for number in range(20):
        data = pax_record(f"key{number}", "v" * (MIB // 2))
        parts.append(header(tarfile.XGLTYPE, len(data)) + padded(data))
        parts.append(header(tarfile.REGTYPE, 0))
    with pytest.raises(Corrupt, match="too many attributes"):
        unpacked(store, tmp_path / "oci", b"".join(parts) + bytes(1024))


def test_a_map_of_holes_ends(store: Store, tmp_path: Path) -> None:
    more = bytearray(BLOCK)
    more[504] = 1
    tar = header(tarfile.GNUTYPE_SPARSE, 0, extended=True) + bytes(more) * (8 * MIB // BLOCK)
    with pytest.raises(Corrupt, match="header of more than 4 MiB"):
        unpacked(store, tmp_path / "oci", tar + bytes(1024))


def test_a_layer_leaves_room_for_everybody_else(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_writer, "_room_on_disk", lambda _: 1000)
    with pytest.raises(Refused, match="no space left for images"):
        unpacked(store, tmp_path / "oci", tar_of(file("a", "x" * 2000)))
    assert not list(store.incoming.iterdir())


def test_what_is_free_is_not_all_there_is() -> None:
    fd = os.open("/", os.O_RDONLY)
    try:
        disk = os.fstatvfs(fd)
        assert layer_writer._room_on_disk(fd) < disk.f_bavail * disk.f_frsize
    finally:
        os.close(fd)
