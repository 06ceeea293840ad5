"""The indexes say of fences and commands what their own files say."""

from __future__ import annotations

from tests import index


def test_the_index_of_fences_is_what_their_files_say() -> None:
    assert index.written(index.FENCES, index.fence_entries()) == index.FENCES.read_text(), (
        f"write it anew: {index.HOW_TO}"
    )
