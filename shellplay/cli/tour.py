"""``shellplay tour``: replay the first recipe that comes with shellplay."""

from __future__ import annotations

from collections.abc import Sequence

from shellplay.cli import replay
from shellplay.errors import Refused
from shellplay.recipe.shipped import shipped


def main(arguments: Sequence[str]) -> int:
    """Run ``shellplay tour`` with the options of ``replay``; return its exit status."""
    first = next(iter(shipped()), None)
    if first is None:
        raise Refused("no recipes come with this shellplay")
    return replay.main([str(first.path), *arguments])
