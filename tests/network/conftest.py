"""Containers at a bridge, a directory to serve, and a network that is no neighbour's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.playground.playground import Playground
from tests.network.apart import network_apart

PAGE = "served from inside\n"


@pytest.fixture(scope="module", autouse=True)
def machine() -> Iterator[None]:
    """For root a network of its own in place of the host's, see tests.network.apart."""
    with network_apart() if os.geteuid() == 0 else nullcontext():
        yield


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A directory that every user may read, with an index.html."""
    for each in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        each.chmod(0o755)
    (tmp_path / "index.html").write_text(PAGE)
    return tmp_path


@pytest.fixture
def pair(playground: Playground) -> tuple[Container, Container]:
    """Two containers at the bridge, named web and db."""
    pytest.importorskip("pyroute2")
    found = playground.new("web"), playground.new("db")
    for each in found:
        each.fence(REGISTRY["net"].parse({"mode": "bridge"}))
    return found
