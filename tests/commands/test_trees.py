"""``tree owner``, ``tree mounts`` and ``tree cgroup``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.kernel.namespaces import identify
from shellplay.playground import trees
from shellplay.playground.playground import Playground
from tests.program.conftest import Run, run

__all__ = ["run"]


def walk(
    branches: list[Mapping[str, Any]], *above: str
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each node with the labels on the way to it."""
    for each in branches:
        yield above, each
        yield from walk(each["below"], *above, each["label"])


def roots_of(run: Run, what: str) -> list[Mapping[str, Any]]:
    """Return the document of a tree."""
    said = run(f"tree {what} --json")
    found: list[Mapping[str, Any]] = json.loads(said.told.splitlines()[-1])["roots"]
    return found


@pytest.mark.everyone
def test_a_namespace_stands_below_the_user_namespace_that_owns_it(
    container: Container, run: Run
) -> None:
    for kind in ("user", "uts"):
        container.fence(REGISTRY[kind]())
    user, uts = (identify(container.pid, kind) for kind in ("user", "uts"))
    assert user is not None
    assert uts is not None
    above, node = next(
        (above, each)
        for above, each in walk(roots_of(run, "owner"))
        if each["inode"] == uts.inode
    )
    assert [each.split()[0] for each in above] == [str(identify("self", "user")), str(user)]
    assert (node["containers"], node["processes"]) == (["box"], 1)


@pytest.mark.everyone
def test_a_mount_stands_below_the_one_that_it_is_in(container: Container, run: Run) -> None:
    for kind in (("user",) if os.geteuid() else ()) + ("mnt",):
        container.fence(REGISTRY[kind]())
    container.run("mount -t tmpfs -o ro,noexec none /mnt")
    found = list(walk(roots_of(run, "mounts")))
    above, node = next(pair for pair in found if pair[1]["point"] == "/mnt")
    assert above[-1].split()[0] == "/"
    assert node["label"] == "/mnt  tmpfs  (ro, noexec)"
    count = container.run("wc -l < /proc/self/mountinfo").output
    assert len(found) == int(count)


def test_a_very_deep_tree_is_cut_and_loses_no_node() -> None:
    top = branch = trees.Branch("0", {})
    for number in range(1, 5000):
        below = trees.Branch(str(number), {})
        branch.add(below)
        branch = below
    assert len(list(walk([top.record()]))) == 5000


@pytest.mark.root
def test_a_limited_container_has_a_cgroup_of_its_own(
    container: Container, playground: Playground, run: Run
) -> None:
    container.fence(REGISTRY["pids"].parse({"max": "50"}))
    found = [each for _, each in walk(roots_of(run, "cgroup")) if container.id in each["label"]]
    assert found
    assert found[0]["processes"] >= 1


@pytest.mark.everyone
def test_without_a_container_there_are_no_mounts_to_show(run: Run) -> None:
    assert run("tree mounts").status != 0
    assert run("tree owner").status == 0
    assert 'did you mean "owner"' in run("tree ownr").told
