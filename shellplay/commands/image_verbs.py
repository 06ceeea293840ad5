"""The verbs of ``image``; loaded with the store when one is used."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from typing import Any

from shellplay.cmdline.argument_types.verbs import Order
from shellplay.cmdline.elapsed import timed
from shellplay.cmdline.outcomes import Document, Outcome
from shellplay.directories import expanded
from shellplay.image.digest import short_digest
from shellplay.image.export import export_image
from shellplay.image.import_archive import import_image
from shellplay.image.layer_directory import layer_name
from shellplay.image.manifest import Image, check_platform
from shellplay.image.pull import pull_image
from shellplay.image.reference import familiar
from shellplay.image.store import Store
from shellplay.views.images import format_size, page, table

Outcomes = Generator[Outcome, None, None]
Verb = Callable[[Store, tuple[str, ...], str | None], Outcomes]


def perform(
    order: Order, platform: str | None, *, shows_time: bool = False
) -> Iterator[Outcome]:
    """Run a verb in the store of the user; with ``shows_time`` show how long it takes."""
    if platform is not None:
        check_platform(platform)
    verb = VERBS[order.verb](Store(), order.words, platform)
    yield from timed(verb, f"image {order.verb}", shows=shows_time)


def _ls(store: Store, words: tuple[str, ...], platform: str | None) -> Outcomes:
    rows = [row(image) for image in store.images()]

    def view() -> object:
        return table(rows) if rows else "no images (image import makes one)"

    yield Document("images", lambda: rows, view)


def _import(store: Store, words: tuple[str, ...], platform: str | None) -> Outcomes:
    path, *name = words
    images = yield from import_image(store, expanded(path), name[0] if name else None, platform)
    for image in images:
        yield arrived(image)


def _pull(store: Store, words: tuple[str, ...], platform: str | None) -> Outcomes:
    image = yield from pull_image(store, words[0], platform)
    yield arrived(image)


def _rm(store: Store, words: tuple[str, ...], platform: str | None) -> Outcomes:
    found = dict(store.find(word) for word in words)
    for name in found:
        store.remove_name(name)
        yield f"{familiar(name)}: removed"
    if not store.collect_garbage():
        yield "another shellplay uses the images just now: the files go with the next image rm"


def _inspect(store: Store, words: tuple[str, ...], platform: str | None) -> Outcomes:
    image = store.get(words[0])
    facts = {**row(image), "layers": _layers(store, image), "config": _config(image)}
    yield Document("image", lambda: facts, lambda: page(facts))


def _export(store: Store, words: tuple[str, ...], platform: str | None) -> Outcomes:
    image = store.get(words[0])
    target = expanded(words[1])
    export_image(store, image, target)
    yield f"{familiar(image.name)}: written to {target}"


VERBS: dict[str, Verb] = {
    "ls": _ls,
    "import": _import,
    "pull": _pull,
    "rm": _rm,
    "inspect": _inspect,
    "export": _export,
}


def arrived(image: Image) -> str:
    """Return the sentence for an image that is in the store now."""
    layers = f"{len(image.layers)} layer{'' if len(image.layers) == 1 else 's'}"
    size, identifier = format_size(image.size), short_digest(image.id)
    return f"{familiar(image.name)}: {layers}, {size}, ID {identifier}"


def row(image: Image) -> dict[str, Any]:
    """Return one record of ``image ls --json``."""
    config = image.config
    return {
        "name": familiar(image.name),
        "reference": image.name,
        "id": image.id,
        "digest": image.descriptor.digest,
        "size": image.size,
        "created": config.created,
        "platform": f"{config.os}/{config.architecture}",
    }


def _layers(store: Store, image: Image) -> list[dict[str, object]]:
    found = []
    ids = zip(image.config.diff_ids, image.config.chain_ids, strict=True)
    for layer, (diff_id, chain_id) in zip(image.layers, ids, strict=True):
        directory = store.layers / layer_name(chain_id)
        found.append(
            {
                "digest": layer.digest,
                "size": layer.size,
                "diff_id": diff_id,
                "directory": str(directory) if directory.is_dir() else None,
            }
        )
    return found


def _config(image: Image) -> dict[str, object]:
    shown = asdict(image.config)
    for key in ("os", "architecture", "created", "diff_ids"):
        del shown[key]
    return shown
