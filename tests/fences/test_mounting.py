"""mount and unmount: what comes into the tree of a live bash, and goes again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused, UsageError
from shellplay.fences import REGISTRY
from shellplay.kernel import procfs
from tests.fences.host import as_root_directory, digest

pytestmark = pytest.mark.everyone
WHERE = pytest.mark.parametrize("kind", ["mnt", "root"])


@pytest.fixture
def source() -> Iterator[Path]:
    """A directory of the host with a file in it."""
    with TemporaryDirectory(prefix="source-", dir="/tmp") as name:
        (Path(name) / "file").write_text("of the host\n")
        yield Path(name)


@WHERE
def test_a_directory_comes_in_and_goes_again(
    kind: str, container: Container, source: Path
) -> None:
    host = digest()["mounts"]
    container.fence(REGISTRY[kind]())
    place = "/mnt" if kind == "mnt" else "/made/for/it"
    container.files.mount(source, place)
    assert (
        container.run(f"cat {place}/file; echo inside >{place}/new").output == "of the host\n"
    )
    assert (source / "new").read_text() == "inside\n"
    assert digest()["mounts"] == host
    container.files.unmount(place)
    assert container.run(f"cat {place}/file").status == 1
    (source / "new").unlink()


def test_read_only_stays_so(container: Container, source: Path) -> None:
    container.fence(REGISTRY["root"]())
    container.files.mount(source, "/src", read_only=True)
    result = container.run("echo x >/src/file; touch /src/new; mount -o remount,bind,rw /src")
    assert "Read-only file system" in result.output
    assert (source / "file").read_text() == "of the host\n"
    assert [each.name for each in source.iterdir()] == ["file"]


def test_a_file_is_mounted_on_a_file(container: Container, source: Path) -> None:
    container.fence(REGISTRY["root"]())
    container.files.mount(source / "file", "/made/file")
    assert container.run("cat /made/file").output == "of the host\n"


def test_memory_is_mounted_too(container: Container) -> None:
    container.fence(REGISTRY["root"]())
    container.files.mount(None, "/cache")
    assert container.run("stat -fc %T /cache; touch /cache/x; ls /cache").output == "tmpfs\nx\n"
    container.files.unmount("/cache")


def test_a_link_inside_does_not_lead_out(
    container: Container, source: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    tree = tmp_path / "tree"
    tree.mkdir()
    container.fence(REGISTRY["root"].parse({"base": as_root_directory(tree)}))
    (tree / "out").symlink_to(source)
    with pytest.raises(Refused, match="mount: "):
        container.files.mount(source, "/out/x")
    assert [each.name for each in source.iterdir()] == ["file"]
    (tree / "in").symlink_to("/real")
    (tree / "real").mkdir()
    container.files.mount(source, "/in")
    assert container.run("echo /real/*").output == "/real/file\n"


def test_the_bash_of_a_container_without_privileges_gets_it_as_well(
    container: Container, source: Path
) -> None:
    for kind in ("root", "caps"):
        container.fence(REGISTRY[kind]())
    container.files.mount(source, "/src")
    assert container.run("cat /src/file").output == "of the host\n"


def test_nothing_is_held_open_by_it(container: Container, source: Path) -> None:
    container.fence(REGISTRY["root"]())
    before = procfs.fds(), procfs.fds(container.pid)
    container.files.mount(source, "/src")
    container.files.unmount("/src")
    assert (procfs.fds(), procfs.fds(container.pid)) == before


def test_what_cannot_be_is_refused(container: Container, source: Path) -> None:
    with pytest.raises(Refused, match="the mounts of bash are the host's"):
        container.files.mount(source, "/mnt")
    container.fence(REGISTRY["dev"]())
    with pytest.raises(UsageError, match="is not there"):
        container.files.mount(source / "missing", "/mnt")
    for place in ("relative", "/", "/a/../b"):
        with pytest.raises(UsageError, match="is not a place to mount at"):
            container.files.mount(source, place)
    with pytest.raises(Refused, match="nothing is mounted at /mnt"):
        container.files.unmount("/mnt")
    with pytest.raises(Refused, match="/dev is of the dev fence"):
        container.files.unmount("/dev")
    container.fence(REGISTRY["root"]())
    for place in ("/proc", "/sys"):
        with pytest.raises(Refused, match=f"{place} is of the root fence"):
            container.files.unmount(place)


def test_no_fence_gets_a_hole_by_it(container: Container) -> None:
    for kind in ("root", "proc"):
        container.fence(REGISTRY[kind]())
    for place in ("/proc/sys", "/dev/shm"):
        kind = "proc" if place.startswith("/proc") else "root"
        with pytest.raises(Refused, match=f"{place} is of the {kind} fence"):
            container.files.unmount(place)
    container.files.mount(None, "/dev/shm")
    container.run("touch /dev/shm/mine")
    container.files.unmount("/dev/shm")
    assert not container.run("ls /dev/shm").output
    with pytest.raises(Refused, match="/dev/shm is of"):
        container.files.unmount("/dev/shm")


@pytest.mark.parametrize(
    ("what", "place", "reason"),
    [
        ("file", "/usr", "a directory goes on a directory, and a file on a file"),
        (".", "/etc/passwd", "a directory goes on a directory, and a file on a file"),
        (".", "/proc/nothing", "nothing can be made at /proc/nothing inside"),
        (".", "/dev/nothing", "nothing can be made at /dev/nothing inside"),
    ],
)
def test_a_place_that_does_not_fit_is_told(
    what: str, place: str, reason: str, container: Container, source: Path
) -> None:
    container.fence(REGISTRY["root"]())
    with pytest.raises(Refused, match=reason):
        container.files.mount(source / what, place)


@pytest.mark.root
def test_owners_are_mapped_into_a_user_fence(container: Container, source: Path) -> None:
    os.chown(source / "file", 5, 5)
    asked = "stat -c %u:%g /plain/file /mapped/file; touch /mapped/new; chown 7 /mapped/new"
    container.fence(REGISTRY["mnt"]())
    with pytest.raises(Refused, match=r"none is mapped .*fence user, first"):
        container.files.mount(source, "/mnt", mapped=True)
    container.peel("mnt")
    container.fence(REGISTRY["user"].parse({"map": "0:0:1,1:100000:65535"}))
    container.fence(REGISTRY["root"]())
    container.files.mount(source, "/plain")
    container.files.mount(source, "/mapped", mapped=True)
    assert container.run(asked).output == "65534:65534\n5:5\n"
    assert (source / "new").stat().st_uid == 7
    before = procfs.fds()
    with pytest.raises(Refused, match=r"owners of /proc cannot be mapped .*ext4"):
        container.files.mount(Path("/proc"), "/kernel", mapped=True)
    assert procfs.fds() == before


def test_owners_are_mapped_by_root_only(container: Container, source: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("we are root")
    container.fence(REGISTRY["root"]())
    with pytest.raises(Refused, match=r"cannot be mapped .*start shellplay as root"):
        container.files.mount(source, "/mapped", mapped=True)


@pytest.mark.root
def test_who_is_left_out_of_the_map_becomes_its_root(container: Container) -> None:
    container.fence(REGISTRY["user"].parse({"map": "0:100000:65536"}))
    container.fence(REGISTRY["root"]())
    assert container.run("echo mine >/new; stat -c %u:%g /new").output == "0:0\n"


def test_what_the_user_has_mounted_is_told(container: Container, source: Path) -> None:
    container.fence(REGISTRY["root"]())
    container.fence(REGISTRY["dev"]())
    assert list(container.files.mounted()) == []
    container.files.mount(source, "/src")
    container.files.mount(None, "/cache")
    assert [place for place, _ in container.files.mounted()] == ["/src", "/cache"]


def test_nothing_is_made_among_the_files_of_the_host(
    container: Container, source: Path, tmp_path: Path
) -> None:
    container.fence(REGISTRY["mnt"]())
    with pytest.raises(Refused, match=r"there is no /made/here, .*fence root, first"):
        container.files.mount(source, "/made/here")
    assert not Path("/made").exists()
    # What is in memory is nobody's.
    container.files.mount(None, "/mnt")
    container.files.mount(source, "/mnt/made/here")
    assert container.run("cat /mnt/made/here/file").output == "of the host\n"
