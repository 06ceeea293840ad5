"""Volumes of run: named and anonymous ones, those of another container, and of the image."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from shellplay.image.import_archive import import_image
from shellplay.image.store import Store
from shellplay.playground.playground import Playground
from shellplay.volume.store import VolumeStore
from tests.image.making import drained
from tests.program.conftest import Run
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
QUIET = "run -q --network none"


@pytest.fixture(autouse=True)
def no_volumes() -> None:
    """Begin without volumes: all tests have one home."""
    store = VolumeStore()
    for each in store.volumes():
        store.remove(each.name)


def volumes(run: Run, words: str = "") -> list[dict[str, object]]:
    """Return the records of the volumes."""
    lines = run(f"volume ls {words} --json").told.splitlines()
    # Notices about the end of other programs may stand beside it.
    (document,) = [line for line in lines if line.startswith("{")]
    found = json.loads(document)["volumes"]
    assert isinstance(found, list)
    return found


def test_a_named_volume_outlives_its_container_and_is_shared(run: Run, busybox: str) -> None:
    run(f"{QUIET} --rm -v data:/d {busybox} sh -c 'echo kept >/d/file'")
    assert run(f"{QUIET} -v data:/e {busybox} cat /e/file").printed == "kept\n"
    said = run(f"{QUIET} --mount source=data,target=/e,readonly {busybox} touch /e/other")
    assert "exit status 1" in said.told
    (row,) = volumes(run)
    assert row["name"] == "data"
    assert len(str(row["containers"])) > 2


def test_a_new_volume_begins_with_the_files_of_the_image(run: Run, busybox: str) -> None:
    said = run(f"{QUIET} -v etc:/etc {busybox} cat /etc/group")
    assert "extra:x:77:web" in said.printed
    store = VolumeStore()
    assert (store.get("etc").path / "passwd").is_file()
    run(f"{QUIET} -v etc:/etc {busybox} sh -c 'rm /etc/group'")
    assert "No such file" in run(f"{QUIET} -v etc:/etc {busybox} cat /etc/group").printed
    run(f"{QUIET} -v empty:/etc:nocopy {busybox} true")
    assert not (store.get("empty").path / "passwd").exists()
    run(f"{QUIET} --mount src=plain,dst=/etc,volume-nocopy {busybox} true")
    assert not (store.get("plain").path / "passwd").exists()


def test_links_modes_and_holes_come_with_the_files(
    run: Run, busybox: str, tmp_path: Path
) -> None:
    run(f"{QUIET} -v bin:/bin {busybox} true")
    path = VolumeStore().get("bin").path
    assert str((path / "cat").readlink()) == "busybox"
    assert stat.S_IMODE((path / "busybox").stat().st_mode) & 0o111


@pytest.mark.root
def test_a_link_at_the_target_is_followed_inside_only(
    run: Run, busybox: str, tmp_path: Path
) -> None:
    root = tmp_path / "tiny"
    (root / "way").symlink_to("/../../../../../../../../etc")
    drained(import_image(Store(), root, "linked"))
    said = run(f"{QUIET} -v data:/way linked ls /way")
    names = set(said.printed.split())
    assert names == {"group", "passwd", "hostname", "hosts", "resolv.conf"}, "of the image"


def test_one_without_a_name_ends_with_its_container(run: Run, busybox: str) -> None:
    run(f"{QUIET} --rm -v /d {busybox} sh -c 'echo x >/d/file'")
    assert volumes(run) == []
    run(f"{QUIET} --name a -v /d {busybox} sh -c 'echo x >/d/file'")
    (row,) = volumes(run)
    assert (row["anonymous"], row["containers"]) == (True, ["a"])
    run("rm -v a")
    assert volumes(run) == []


def test_one_without_a_name_stays_after_rm_alone_until_it_is_pruned(
    run: Run, busybox: str
) -> None:
    run(f"{QUIET} --name a -v /d -v data:/e {busybox} true")
    run("rm a")
    assert [row["used"] for row in volumes(run)] == [False, False]
    assert len(volumes(run, "--filter dangling=true")) == 2
    run("volume prune")
    assert [row["name"] for row in volumes(run)] == ["data"]
    run("volume prune -a")
    assert volumes(run) == []


def test_at_the_end_of_the_playground_none_without_a_name_is_left(
    run: Run, busybox: str, playground: Playground
) -> None:
    run(f"{QUIET} -v /d -v data:/e {busybox} true")
    playground.close()
    assert [each.name for each in VolumeStore().volumes()] == ["data"]


def test_the_image_asks_for_volumes_and_another_mount_wins(
    run: Run, busybox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = Store.get
    monkeypatch.setattr(
        Store,
        "get",
        lambda self, word: replace(
            found := get(self, word), config=replace(found.config, volumes=("/etc", "lib/x/"))
        ),
    )
    said = run(f"{QUIET} {busybox} cat /proc/mounts")
    targets = {line.split()[1] for line in said.printed.splitlines()}
    assert {"/etc", "/lib/x"} <= targets
    assert len(volumes(run)) == 2
    run(f"{QUIET} -v mine:/etc {busybox} true")
    assert len(volumes(run)) == 4, "mine, and one more for /lib/x"


def test_the_volumes_of_another_container_come_too(
    run: Run, busybox: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("bound")
    tmp_path.chmod(0o755)
    run(
        f"{QUIET} --name a -v /d -v data:/e -v {tmp_path}:/f {busybox} "
        "sh -c 'echo one >/d/1; echo two >/e/2'"
    )
    said = run(f"{QUIET} --volumes-from a {busybox} cat /d/1 /e/2 /f/file")
    assert said.printed == "one\ntwo\nbound"
    said = run(f"{QUIET} --volumes-from a:ro {busybox} touch /d/1 /e/2 /f/file")
    assert said.printed.count("Read-only") == 3
    said = run(f"{QUIET} --volumes-from a -v other:/e {busybox} cat /e/2")
    assert "No such file" in said.printed
    assert (
        "there is no container 'nobody'"
        in run(f"{QUIET} --volumes-from nobody {busybox} true").told
    )


def test_what_a_container_has_is_not_removed(run: Run, busybox: str) -> None:
    run(f"{QUIET} -d --name a -v data:/d {busybox} sleep 1000")
    assert "a container has the volume data" in run("volume rm data").told
    run("rm -f a")
    assert run("volume rm data").told == "data: removed\n"
    assert "there is no volume 'data'" in run("volume rm data").told
    assert run("volume rm -f data").status == 0


def test_a_start_that_fails_leaves_no_volume_without_a_name(
    run: Run, busybox: str, playground: Playground
) -> None:
    run(f"{QUIET} -v /d {busybox} /no/such/program")
    assert playground.containers == []
    assert volumes(run) == []


def test_volumes_are_made_with_labels_and_shown(run: Run) -> None:
    assert run("volume create data --label app=web --label plain").told == "data\n"
    assert run("volume create").told.strip().isalnum()
    (row,) = volumes(run, "--filter label=app=web")
    assert (row["name"], row["labels"]) == ("data", {"app": "web", "plain": ""})
    assert json.loads(run("volume inspect data --json").told)["volume"] == [row]
    assert "app=web" in run("volume inspect data").told
    assert "needs NAME..." in run("volume rm").told


@pytest.mark.root
def test_files_keep_their_owners_and_no_device_can_be_opened(run: Run, busybox: str) -> None:
    script = "touch a; busybox chown 1000:1001 a; busybox mknod null c 1 3; cat null"
    said = run(f"{QUIET} -v data:/d -w /d {busybox} sh -c '{script}'")
    assert "ermission denied" in said.printed
    found = (VolumeStore().get("data").path / "a").stat()
    assert (found.st_uid, found.st_gid) == (1000, 1001)


def test_in_the_background_rm_takes_it_too(
    run: Run, busybox: str, playground: Playground
) -> None:
    run(f"{QUIET} -d --rm --name a -v /d {busybox} true")

    def forgotten() -> bool:
        playground.forget_ended()
        return not playground.containers

    wait_until(forgotten, "its end")
    assert volumes(run) == []
