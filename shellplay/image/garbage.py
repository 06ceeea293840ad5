"""Delete the files of a store that no image needs; the caller holds the exclusive lock."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from shellplay.image.digest import hexadecimal
from shellplay.image.layer_directory import is_held, layer_name
from shellplay.image.manifest import Image

# The suffix of a download that is not complete, and how long (in seconds) it can be resumed.
PARTIAL = ".partial"
PARTIAL_LIFETIME = 24 * 3600


def sweep_blobs(blobs: Path, images: Iterable[Image]) -> None:
    """Delete the blobs that none of the images names."""
    needed = {
        hexadecimal(descriptor.digest)
        for image in images
        for descriptor in (image.descriptor, image.config_descriptor, *image.layers)
    }
    for path in blobs.iterdir():
        if path.name not in needed:
            path.unlink()


def sweep_incoming(incoming: Path) -> None:
    """Delete scratch files, and the downloads that are too old to be resumed."""
    for path in incoming.iterdir():
        age = time.time() - path.lstat().st_mtime
        if path.suffix == PARTIAL and age < PARTIAL_LIFETIME:
            continue
        _remove(path)


def sweep_layers(layers: Path, incoming: Path, images: Iterable[Image]) -> None:
    """Delete the unpacked layers that no image has and no process holds."""
    needed = {layer_name(chain_id) for image in images for chain_id in image.config.chain_ids}
    for path in layers.iterdir():
        if path.name not in needed and not is_held(path):
            # Renamed first: a directory in ``layers`` must always be a complete layer.
            scratch = incoming / path.name
            path.rename(scratch)
            _remove(scratch)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
