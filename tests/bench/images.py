"""Rows: an image from an OCI layout to a root file system on disk."""

from __future__ import annotations

import io
import os
import random
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from shellplay.image.export import export_image
from shellplay.image.import_archive import import_image
from shellplay.image.manifest import Image
from shellplay.image.store import Store
from tests.bench.clock import program, side_by_side
from tests.bench.table import Row

FILES = 4000
LARGE = 40_000_000


def rows(rounds: int) -> Iterator[Row]:
    """Yield ``image import`` beside ``skopeo copy`` and ``umoci unpack`` of the same image."""
    with tempfile.TemporaryDirectory(prefix="sp-bench-") as scratch:
        place = Path(scratch)
        _layout(place)
        source = f"oci:{place}/oci:bench:latest"
        copy = program(
            "skopeo", "--insecure-policy", "copy", "--quiet", source, f"oci:{place}/copy:bench"
        )
        rootless = [] if os.geteuid() == 0 else ["--rootless"]
        image = f"{place}/copy:bench"
        unpack = program("umoci", "unpack", *rootless, "--image", image, f"{place}/bundle")

        def theirs() -> None:
            for name in ("copy", "bundle"):
                shutil.rmtree(place / name, ignore_errors=True)
            copy()
            unpack()

        def ours() -> None:
            shutil.rmtree(place / "store", ignore_errors=True)
            _import(Store(place / "store"), place / "oci")

        actions: dict[str, Callable[[], None]] = {"ours": ours}
        if shutil.which("skopeo") and shutil.which("umoci"):
            actions["theirs"] = theirs
        found = side_by_side(actions, max(3, rounds // 5))
    what = f"`image import` of {FILES:,} files and {LARGE // 10**6} MB"
    peer = "skopeo copy, umoci unpack"
    yield Row.of(what, found["ours"], peer, found.get("theirs"), 1)


def _layout(place: Path) -> None:
    """Write an OCI layout with one layer, compressed by gzip."""
    chance = random.Random(1)
    with tarfile.open(place / "bench.tar.gz", "w:gz", compresslevel=6) as tar:
        for number in range(FILES):
            data = chance.randbytes(2000) * 2
            if number % 50 == 0:
                folder = tarfile.TarInfo(f"usr/lib/{number // 50}")
                folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(folder)
            member = tarfile.TarInfo(f"usr/lib/{number // 50}/file-{number}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        data = chance.randbytes(LARGE)
        member = tarfile.TarInfo("usr/lib/large")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    store = Store(place / "first")
    image = _import(store, place / "bench.tar.gz")
    export_image(store, image, place / "oci")


def _import(store: Store, path: Path) -> Image:
    steps = import_image(store, path)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            (image,) = end.value
            found: Image = image
            return found
