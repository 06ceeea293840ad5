"""The root directory inside: mode, owner and time of / are those of the image or the host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shellplay.image.import_archive import import_image
from shellplay.image.store import Store
from tests.image.making import BUSYBOX, directory, drained, layout, member, symlink, tar_of
from tests.program.conftest import Run

pytestmark = pytest.mark.everyone
TIME = 1_234_567_890


def image(tmp_path: Path, *layers: bytes) -> str:
    """Import an image of busybox and more layers above it."""
    if not BUSYBOX.exists():
        pytest.skip("needs busybox-static")
    program = tar_of(
        directory(".", mode=0o1751, uid=5, gid=6, mtime=TIME),
        directory("bin"),
        member("bin/busybox", data=BUSYBOX.read_bytes(), mode=0o755),
        symlink("bin/stat", "busybox"),
    )
    drained(import_image(Store(), layout(tmp_path / "oci", program, *layers, name="own:1")))
    return "own:1"


def seen(run: Run, options: str, name: str) -> str:
    """Return mode, owner and time of / inside."""
    done = run(f"run --rm -q --network none {options} {name} stat -c '%a %u:%g %Y' /")
    assert done.status == 0, done.told
    return done.printed.strip()


@pytest.mark.parametrize("options", ["", "--read-only", "-w /made/here", "-v /tmp:/brought"])
def test_mode_owner_and_time_are_those_of_the_layer(
    run: Run, tmp_path: Path, options: str
) -> None:
    owner = "5:6" if os.geteuid() == 0 else "0:0"
    assert seen(run, options, image(tmp_path)) == f"1751 {owner} {TIME}"


def test_the_highest_layer_that_has_a_root_counts(run: Run, tmp_path: Path) -> None:
    higher = tar_of(directory("./", mode=0o711, mtime=TIME + 5), member("file"))
    highest = tar_of(member("other"))
    assert seen(run, "", image(tmp_path, higher, highest)) == f"711 0:0 {TIME + 5}"


@pytest.mark.root
def test_those_of_the_host_are_kept(run: Run) -> None:
    found = Path("/").stat()
    wanted = f"{found.st_mode & 0o7777:o} {found.st_uid}:{found.st_gid} {int(found.st_mtime)}"
    assert seen(run, "", "host") == wanted
