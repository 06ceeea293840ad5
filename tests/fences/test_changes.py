"""diff files and commit: what was written over a root, and an image of it."""

from __future__ import annotations

import tarfile
from collections.abc import Generator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused, UsageError
from shellplay.fences import REGISTRY
from shellplay.image.import_archive import import_image
from shellplay.image.manifest import Image
from shellplay.image.store import Store
from tests.fences.host import as_root_directory

pytestmark = pytest.mark.everyone


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory of the host with some files in it."""
    with TemporaryDirectory(prefix="place-", dir="/tmp") as name:
        top = Path(name)
        for each in ("kept/file", "emptied/one", "emptied/two", "gone"):
            (top / each).parent.mkdir(exist_ok=True)
            (top / each).write_text(each)
        (top / "changed").write_text("old")
        yield top


def told(container: Container, below: Path) -> list[str]:
    """Return what is told of a directory, with paths that begin there."""
    return [
        f"{each.kind} {each.path.removeprefix(str(below))}"
        for each in container.files.changes()
        if each.path.startswith(f"{below}/")
    ]


def finished(running: Generator[str, None, Image]) -> tuple[list[str], Image]:
    """Return what a generator yields, and returns."""
    notes: list[str] = []
    while True:
        try:
            notes.append(next(running))
        except StopIteration as end:
            image: Image = end.value
            return notes, image


def test_what_was_added_changed_and_deleted_is_told(container: Container, place: Path) -> None:
    container.fence(REGISTRY["root"]())
    assert told(container, place) == []
    container.run(
        f"cd {place}; rm gone; echo new >changed; mkdir made; touch made/x kept/added; "
        "rm -r emptied; mkdir emptied; touch emptied/two"
    )
    assert told(container, place) == [
        *("C /changed", "C /emptied", "D /emptied/one", "C /emptied/two", "D /gone"),
        *("C /kept", "A /kept/added", "A /made", "A /made/x"),
    ]
    container.run("touch here-and-gone; rm here-and-gone; cat kept/file")
    assert "A /here-and-gone" not in told(container, place)
    assert "C /tmp" in [f"{each.kind} {each.path}" for each in container.files.changes()]


def test_only_what_was_changed_is_told_of_the_top_as_well(container: Container) -> None:
    def top() -> list[str]:
        changed = container.files.changes()
        return [f"{each.kind} {each.path}" for each in changed if each.path.count("/") == 1]

    container.fence(REGISTRY["root"]())
    assert top() == []
    container.run("touch /added; mkdir /made; ls / /made")
    link = next((each for each in Path("/").iterdir() if each.is_symlink()), None)
    gone = []
    if link is not None:
        # By a copy of rm(1) in the memory of bash: the one in /bin may go with that.
        container.run(f"hash rm; rm {link}")
        gone = [f"D {link}"]
    assert top() == sorted([*gone, "A /added", "A /made"], key=lambda each: each[2:])


def test_what_is_at_the_top_is_committed_and_nothing_else(container: Container) -> None:
    container.fence(REGISTRY["root"]())
    container.run("echo new >/added; mkdir /made")
    _, image = finished(container.files.commit("top"))
    layer = Store().blob_path(image.layers[0].digest)
    with tarfile.open(layer) as tar:
        assert sorted(tar.getnames()) == [".", "added", "made"]


def test_files_at_the_top_are_there_too(container: Container) -> None:
    files = [each for each in Path("/").iterdir() if each.is_file() and not each.is_symlink()]
    if not files:
        pytest.skip("this machine has no file in /")
    container.fence(REGISTRY["root"]())
    assert container.run(f"test -f {files[0]}; echo $?").output == "0\n"
    size = container.run(f"stat -c %s {files[0]}").output
    assert size == f"{files[0].stat().st_size}\n"


def test_a_name_that_is_none_is_refused_before_anything_is_said(container: Container) -> None:
    container.fence(REGISTRY["root"]())
    with pytest.raises(UsageError, match="is not a name of an image"):
        next(container.files.commit("BAD:x:y"))


def test_a_commit_has_what_was_changed_and_not_what_was_deleted(
    container: Container, place: Path
) -> None:
    store = Store()
    list(import_image(store, place, "base"))
    base = store.get("base")
    container.fence(REGISTRY["root"].parse({"image": "base"}))
    # Programs to do it with; where they are mounted counts as a change.
    container.files.mount(Path("/usr"), "/usr")
    for top in ("bin", "lib", "lib64"):
        if Path(f"/{top}").is_symlink():
            container.files.mount(Path(f"/{top}").resolve(), f"/{top}")
    container.run("cd /; rm gone; echo new >changed; rm -r emptied; mkdir emptied; cd /")
    notes, image = finished(container.files.commit("next"))
    assert notes == []
    assert image.layers[:-1] == base.layers
    container.peel("root")
    container.fence(REGISTRY["root"].parse({"image": "next"}))
    assert container.run("cd /; echo [c-k]*; cat() { echo $(<$1); }; cat changed").output == (
        "changed dev emptied kept\nnew\n"
    )
    assert container.run("echo /emptied/* $(</kept/file)").output == "/emptied/* kept/file\n"
    assert told(container, Path("/kept")) == []


def test_of_the_host_only_the_changes_are_committed(container: Container, place: Path) -> None:
    container.fence(REGISTRY["root"]())
    container.run(f"echo new >{place}/changed; rm {place}/gone")
    notes, image = finished(container.files.commit("only-changes"))
    assert "the host is not an image, so only what was changed is in it" in notes
    assert len(image.layers) == 1
    container.peel("root")
    container.fence(REGISTRY["root"].parse({"image": "only-changes"}))
    assert container.run(f"echo $(<{place}/changed); echo {place}/*").output == (
        f"new\n{place}/changed\n"
    )


def test_without_an_overlay_nothing_tells(container: Container, place: Path) -> None:
    with pytest.raises(Refused, match="the files are the host's"):
        container.files.changes()
    container.fence(REGISTRY["root"].parse({"base": as_root_directory(place)}))
    with pytest.raises(Refused, match="what is written goes to the files themselves"):
        container.files.changes()
