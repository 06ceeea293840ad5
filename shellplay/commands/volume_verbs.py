"""The verbs of ``volume``; loaded with the store when one is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from shellplay.cmdline.argument_types.filters import Filter
from shellplay.cmdline.outcomes import Document, Outcome
from shellplay.errors import Refused
from shellplay.playground.playground import Playground
from shellplay.views import volumes as views
from shellplay.volume.store import Volume, VolumeStore


def show(playground: Playground, filters: Sequence[Filter]) -> Iterator[Outcome]:
    """List the volumes that pass all filters."""
    store = VolumeStore()
    rows = [_row(store, each, playground) for each in store.volumes()]
    found = [row for row in rows if all(each.fits(row) for each in filters)]

    def view() -> object:
        return views.table(found) if found else "no volumes (volume create makes one)"

    yield Document("volumes", lambda: found, view)


def create(names: Sequence[str], labels: Sequence[str]) -> Iterator[Outcome]:
    """Make a volume; without a name it gets one of digits, and stays."""
    store, given = VolumeStore(), {}
    for text in labels:
        name, _, value = text.partition("=")
        given[name] = value
    if names:
        volume = store.create(names[0], given)
    else:
        volume = store.create_anonymous()
        store.unbind(volume.name)
    yield volume.name


def facts(playground: Playground, names: Sequence[str]) -> list[dict[str, object]]:
    """Return one record for each of some volumes; raises Refused."""
    store = VolumeStore()
    return [_row(store, store.get(name), playground) for name in names]


def pages(rows: Sequence[dict[str, object]]) -> object:
    """Return what there is to know of some volumes, for a person."""
    return views.page(rows)


def remove(names: Sequence[str], *, force: bool) -> Iterator[Outcome]:
    """Remove volumes; raises Refused if a container has one, and then none is removed."""
    store = VolumeStore()
    known = {each.name for each in store.volumes()}
    wanted = [name for name in dict.fromkeys(names) if name in known or not force]
    for name in wanted:
        if store.is_used(store.get(name)):
            raise Refused(f"a container has the volume {name}", "rm it, first (containers)")
    for name in wanted:
        store.remove(name)
        yield f"{name}: removed"


def prune(*, everything: bool) -> Iterator[Outcome]:
    """Remove the volumes without a name that no container has; or all that none has."""
    store = VolumeStore()
    unused = [
        each
        for each in store.volumes()
        if (everything or each.anonymous) and not store.is_used(each)
    ]
    for each in unused:
        store.remove(each.name)
        yield f"{each.name}: removed"
    if not unused:
        yield "no volume is unused" if everything else "no volume without a name is unused"


def _row(store: VolumeStore, volume: Volume, playground: Playground) -> dict[str, object]:
    """Return one record of ``volume ls --json``."""
    having = [
        each.label
        for each in playground.containers
        if any(spec.volume == volume.name for spec in each.volumes)
    ]
    return {
        "name": volume.name,
        "driver": "local",
        "path": str(volume.path),
        "labels": dict(volume.labels),
        "anonymous": volume.anonymous,
        "created": datetime.fromtimestamp(volume.created, UTC).isoformat(timespec="seconds"),
        "containers": having,
        "used": bool(having) or store.is_used(volume),
    }
