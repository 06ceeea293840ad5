"""Layers on disk, stacked by overlayfs, show what the image is to show."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shellplay.image.import_archive import import_image
from shellplay.image.store import Store
from shellplay.image.unpack import unpack
from tests.image.making import (
    Member,
    directory,
    drained,
    file,
    hard_link,
    layout,
    merged,
    symlink,
    tar_of,
)

pytestmark = pytest.mark.everyone
NUMBERS = itertools.count()


def shown(tmp_path: Path, *layers: list[Member]) -> dict[str, str]:
    """Return what overlayfs shows of an image with these layers."""
    place = tmp_path / str(next(NUMBERS))
    store = Store(place / "store")
    path = layout(place / "oci", *(tar_of(*layer) for layer in layers))
    _, (image,) = drained(import_image(store, path))
    _, unpacked = drained(unpack(store, image))
    with unpacked:
        return merged(unpacked.directories, place)


LOWER = [
    directory("d"),
    file("d/a", "1"),
    file("d/b", "1"),
    directory("d/s"),
    file("d/s/c", "1"),
]


@pytest.mark.parametrize(
    ("upper", "wanted"),
    [
        ([file("d/a", "2")], {"d": "d", "d/a": "f2", "d/b": "f1", "d/s": "d", "d/s/c": "f1"}),
        ([file("d/.wh.a")], {"d": "d", "d/b": "f1", "d/s": "d", "d/s/c": "f1"}),
        ([file("d/.wh.nothing"), file("n/.wh.x")],
         {"d": "d", "d/a": "f1", "d/b": "f1", "d/s": "d", "d/s/c": "f1"}),
        ([file(".wh.d")], {}),
        ([file(".wh.d"), directory("d"), file("d/n", "2")], {"d": "d", "d/n": "f2"}),
        ([directory("d"), file("d/n", "2"), file(".wh.d")], {"d": "d", "d/n": "f2"}),
        ([file("d/.wh..wh..opq"), file("d/n", "2")], {"d": "d", "d/n": "f2"}),
        ([directory("d/s"), file("d/s/n", "2"), file("d/.wh..wh..opq")],
         {"d": "d", "d/s": "d", "d/s/n": "f2"}),
        ([file(".wh..wh..opq"), file("n", "2")], {"n": "f2"}),
        ([file("d", "2")], {"d": "f2"}),
        ([file("d", "2"), directory("d"), file("d/n", "2")], {"d": "d", "d/n": "f2"}),
        ([symlink("d", "elsewhere")], {"d": "lelsewhere"}),
        ([file(".wh..wh.plnk"), file(".wh..wh.aufs")],
         {"d": "d", "d/a": "f1", "d/b": "f1", "d/s": "d", "d/s/c": "f1"}),
        ([hard_link("h", "d/a")],
         {"d": "d", "d/a": "f1", "d/b": "f1", "d/s": "d", "d/s/c": "f1", "h": "f1"}),
    ],
)  # fmt: skip
def test_a_layer_changes_what_is_below_it(
    upper: list[Member], wanted: dict[str, str], tmp_path: Path
) -> None:
    assert shown(tmp_path, LOWER, upper) == wanted


def test_a_name_goes_through_the_links_of_the_layers_below(tmp_path: Path) -> None:
    lower = [directory("usr/lib"), symlink("lib", "usr/lib"), symlink("abs", "/usr/lib")]
    found = shown(tmp_path, lower, [file("lib/x", "1"), file("abs/y", "2")])
    assert found["lib"] == "lusr/lib"
    assert (found["usr/lib/x"], found["usr/lib/y"]) == ("f1", "f2")


def test_a_directory_that_is_only_walked_through_keeps_its_mode(tmp_path: Path) -> None:
    path = layout(
        tmp_path / "oci",
        tar_of(directory(".", mode=0o711), directory("tmp", mode=0o1777)),
        tar_of(file("tmp/x")),
    )
    store = Store(tmp_path / "store")
    _, (image,) = drained(import_image(store, path))
    _, unpacked = drained(unpack(store, image))
    with unpacked:
        upper = unpacked.directories[1]
        assert upper.stat().st_mode & 0o7777 == 0o711
        assert (upper / "tmp").stat().st_mode & 0o7777 == 0o1777


def test_layers_that_images_share_are_on_disk_once(store: Store, tmp_path: Path) -> None:
    base = tar_of(*LOWER)
    both = []
    for name in ("one", "two"):
        path = layout(tmp_path / name, base, tar_of(file(name)), name=f"{name}:1")
        both += drained(import_image(store, path))[1]
    found = []
    for image in both:
        _, unpacked = drained(unpack(store, image))
        unpacked.close()
        found.append(unpacked.directories)
    assert found[0][0] == found[1][0]
    assert found[0][1] != found[1][1]
    store.remove_name("docker.io/library/one:1")
    assert store.collect_garbage()
    assert [path.is_dir() for path in (*found[0], found[1][1])] == [True, False, True]


def test_layers_that_are_in_use_stay_until_they_are_let_go(
    store: Store, tmp_path: Path
) -> None:
    _, (image,) = drained(import_image(store, layout(tmp_path / "oci", tar_of(file("a")))))
    _, unpacked = drained(unpack(store, image))
    with unpacked:
        store.remove_name(image.name)
        assert store.collect_garbage()
        assert unpacked.directories[0].is_dir()
    assert store.collect_garbage()
    assert not unpacked.directories[0].exists()


# The names are few, so that layers meet each other's files, directories and whiteouts.
NAMES = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)
ENTRIES = st.one_of(
    NAMES.map(lambda name: ("d", name)),
    NAMES.map(lambda name: ("f", name)),
    NAMES.map(lambda name: ("w", name)),
    NAMES.map(lambda name: ("o", name)),
)
LAYERS = st.lists(st.lists(ENTRIES, max_size=6), min_size=1, max_size=3)


def flat(layers: list[list[tuple[str, str]]]) -> dict[str, str] | None:
    """Return what the image specification says of layers; None if a layer is no good."""
    tree: dict[str, str] = {}
    for number, layer in enumerate(layers):
        own: dict[str, str] = {}
        gone: set[str] = set()
        for kind, name in layer:
            parents = [name[:i] for i, letter in enumerate(name) if letter == "/"]
            if kind in "wo":
                gone |= {name} if kind == "w" else {f"{name}/"}
                continue
            if any(own.get(one, tree.get(one, "d")) != "d" for one in parents):
                return None
            if kind == "d" and own.get(name, "d") != "d":
                gone.add(f"{name}/")
            if kind == "f" or own.get(name, "d") != "d":
                for one in [one for one in own if one.startswith(f"{name}/")]:
                    del own[one]
            own.update(dict.fromkeys(parents, "d"))
            own[name] = "d" if kind == "d" else f"f{number}"
        below = {
            path: what
            for path, what in tree.items()
            if not any(path == one or path.startswith(f"{one.rstrip('/')}/") for one in gone)
            and not any(path.startswith(f"{one}/") and own[one] != "d" for one in own)
        }
        tree = {**below, **own}
    return tree


def entry(number: int, kind: str, name: str) -> Member:
    """Return an entry as a tar has it."""
    above, _, last = name.rpartition("/")
    match kind:
        case "d":
            return directory(name)
        case "f":
            return file(name, str(number))
        case "w":
            return file(f"{above}/.wh.{last}")
    return file(f"{name}/.wh..wh..opq")


@given(layers=LAYERS)
@settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
def test_overlayfs_shows_what_the_specification_says(
    layers: list[list[tuple[str, str]]], tmp_path: Path
) -> None:
    wanted = flat(layers)
    if wanted is None:
        return
    tars = [
        [entry(number, kind, name) for kind, name in layer]
        for number, layer in enumerate(layers)
    ]
    assert shown(tmp_path, *tars) == wanted
