"""Make an image of the files that were written over another image, or over the host's files."""

from __future__ import annotations

import datetime
import json
from collections.abc import Collection, Generator
from pathlib import Path

from shellplay.image.collect import unpack_and_name
from shellplay.image.manifest import (
    CONFIG,
    MANIFEST,
    Image,
    host_platform,
    load_object,
    manifest_document,
)
from shellplay.image.pack import pack_directory
from shellplay.image.reference import parse
from shellplay.image.store import Store


def commit(
    store: Store, name: str, upper: Path, base: Image | None, *, exclude: Collection[str] = ()
) -> Generator[str, None, Image]:
    """Make an image whose last layer is the upper directory of an overlay; return it.

    ``base`` is the image below it, None for the files of the host.  ``exclude`` are names in
    ``upper`` itself that the layer leaves out.  Yields sentences about files that are left
    out.  Raises UsageError, Refused or Corrupt; the store is then as it was before.
    """
    full_name = str(parse(name))
    with store.transaction():
        layer = yield from pack_directory(store, upper, overlay=True, exclude=exclude)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        created = now.replace("+00:00", "Z")
        config = dict(_config(store, base))
        rootfs = dict(load_object(json.dumps(config["rootfs"]).encode(), "the configuration"))
        diff_ids = [*_list_or_empty(rootfs, "diff_ids"), layer.digest]
        step = {"created": created, "created_by": "shellplay commit"}
        config["created"] = created
        config["rootfs"] = {**rootfs, "diff_ids": diff_ids}
        config["history"] = [*_list_or_empty(config, "history"), step]
        config_descriptor = store.add_document(json.dumps(config).encode(), CONFIG)
        layers = (*(base.layers if base else ()), layer)
        manifest = manifest_document(config_descriptor, layers)
        descriptor = store.add_document(manifest, MANIFEST)
        return (yield from unpack_and_name(store, full_name, descriptor))


def _config(store: Store, base: Image | None) -> dict[str, object]:
    if base is not None:
        config = store.read_document(base.config_descriptor)
        return dict(load_object(config, "the configuration"))
    system, architecture = host_platform().split("/")[:2]
    rootfs = {"type": "layers", "diff_ids": []}
    return {"architecture": architecture, "os": system, "config": {}, "rootfs": rootfs}


def _list_or_empty(document: dict[str, object], key: str) -> list[object]:
    value = document.get(key)
    return value if isinstance(value, list) else []
