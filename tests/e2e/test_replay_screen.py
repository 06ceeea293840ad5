"""The screen of a viewer of a replay, as pyte draws it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.watching import PROGRAM, Watcher
from tests.screen import Screen

pytestmark = pytest.mark.e2e

Watch = Callable[..., tuple[Watcher, Screen]]
PROSE = "Here is a bash, and some words about it that do not fit into one line of a terminal."
STEPS = "play> new web\n...\nplay> fence uts\n...\nplay> ps host\n..."


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """``watch(article, *options)`` replays an article on a screen."""
    opened: list[Watcher] = []

    def start(
        article: str, *options: str, columns: int = 80, lines: int = 24
    ) -> tuple[Watcher, Screen]:
        path = tmp_path / "a.play.md"
        path.write_text(f"+++\nshellplay = 1\ntitle = 'T'\n+++\n\n{article}")
        words = [*PROGRAM, "replay", "--yes", "--speed", "50", *options, str(path)]
        log = tmp_path / f"{len(opened)}.log"
        opened.append(Watcher(words, log, columns=columns, lines=lines))
        return opened[-1], Screen(opened[-1], columns, lines)

    yield start
    for watcher in opened:
        watcher.close()


@pytest.mark.parametrize("columns", [80, 40])
def test_prose_sentences_and_tables_break_between_words(watch: Watch, columns: int) -> None:
    article = f"{PROSE}\n\n```shellplay\n{STEPS}\n```\n"
    watcher, screen = watch(article, columns=columns, lines=100)
    assert watcher.ended() == 0
    words = " ".join(screen.text.split())
    assert PROSE in words
    assert re.search(r"web: uts fence up .* on the host ", words)
    # A table leaves columns out where it is narrow.
    assert ("PPID" in words) is (columns == 80)
    assert screen.color_of("other host") == "brightblack"
