"""The indexes say of fences and commands what their own files say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import index


@pytest.mark.parametrize(
    ("path", "entries"),
    [(index.FENCES, index.fence_entries), (index.COMMANDS, index.command_entries)],
    ids=["fences", "commands"],
)
def test_an_index_is_what_the_files_say(
    path: Path, entries: Callable[[], Iterator[str]]
) -> None:
    assert index.written(path, entries()) == path.read_text(), f"run {index.HOW_TO}"
