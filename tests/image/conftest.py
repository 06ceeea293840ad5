"""A store of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from shellplay.image.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")
