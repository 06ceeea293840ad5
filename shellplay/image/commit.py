"""Makes an image of what was written over another one, or over nothing that is one."""

from __future__ import annotations

import datetime
import json
from collections.abc import Collection, Generator
from pathlib import Path

from shellplay.image.collect import finish
from shellplay.image.manifest import CONFIG, MANIFEST, Image, load, this_platform
from shellplay.image.pack import pack
from shellplay.image.reference import parse
from shellplay.image.store import Store


def commit(
    store: Store, name: str, upper: Path, base: Image | None, *, leave: Collection[str] = ()
) -> Generator[str, None, Image]:
    """Take the upper directory of an overlay as the last layer of a new image; return it.

    At the top the names in ``leave`` are no part of it.  Yields sentences about what is left
    out.  Raises UsageError, Refused or Corrupt, and then the store is as it was.
    """
    named = str(parse(name))
    with store.changing():
        layer = yield from pack(store, upper, overlay=True, leave=leave)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        created = now.replace("+00:00", "Z")
        config = dict(_config(store, base))
        system = dict(load(json.dumps(config["rootfs"]).encode(), "the configuration"))
        config["created"] = created
        config["rootfs"] = {**system, "diff_ids": [*_listed(system, "diff_ids"), layer.digest]}
        step = {"created": created, "created_by": "shellplay commit"}
        config["history"] = [*_listed(config, "history"), step]
        layers = [each.as_json() for each in (*(base.layers if base else ()), layer)]
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": store.add_document(json.dumps(config).encode(), CONFIG).as_json(),
            "layers": layers,
        }
        of = store.add_document(json.dumps(manifest).encode(), MANIFEST)
        return (yield from finish(store, named, of))


def _config(store: Store, base: Image | None) -> dict[str, object]:
    if base is not None:
        return dict(load(store.document(base.config_descriptor), "the configuration"))
    system, architecture = this_platform().split("/")[:2]
    rootfs = {"type": "layers", "diff_ids": []}
    return {"architecture": architecture, "os": system, "config": {}, "rootfs": rootfs}


def _listed(found: dict[str, object], key: str) -> list[object]:
    value = found.get(key)
    return value if isinstance(value, list) else []
