"""The screen of a viewer of a replay, as pyte draws it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.commands.test_shipped import install
from tests.e2e.watching import PROGRAM, Watcher
from tests.screen import Screen
from tests.stage.recipes import program
from tests.stage.recipes import text as recipe_text

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
    told = f"{PROSE}\n\n```shellplay\n{STEPS}\n```\n"
    watcher, screen = watch(told, columns=columns, lines=100)
    assert watcher.ended() == 0
    words = " ".join(screen.text.split())
    assert PROSE in words
    assert re.search(r"web: uts fence is up: .* on the host ", words)
    # A table leaves columns out where it is narrow.
    assert ("PPID" in words) is (columns == 80)
    assert screen.color_of("other host") == "brightblack"


LONG = "host$ seq 100\n" + "".join(f"{n}\n" for n in range(1, 101))
BAR = "1/2 A long output"


def article(steps: str) -> str:
    """Return an article of two sections, the first with these steps and a pause."""
    block = f"```shellplay\n{steps}\n```\n\n<!-- play: pause -->\n"
    return f"# A long output\n\n{block}\n## The end\n"


def test_a_long_output_is_folded_opened_and_still_compared(watch: Watch) -> None:
    watcher, screen = watch(article(LONG))
    screen.shows("... 86 more lines, o shows them", "(Space goes on)", BAR)
    shown = [row for row in screen.rows if row.isdigit()]
    assert shown == [*map(str, range(1, 11)), "97", "98", "99", "100"]
    watcher.press("o")
    screen.shows("1-23 of 100")
    watcher.press(" ")
    screen.shows("24-46 of 100", "\n46\n")
    watcher.press("q")
    screen.shows(BAR)
    watcher.press(" ")
    # All lines were compared with the expected ones.
    assert watcher.ended() == 0


def test_the_bar_stays_in_the_last_row_and_goes_at_the_end(watch: Watch) -> None:
    steps = (
        "host$ printf '\\033c\\033[r\\033[99;1Hover the bar'\nover the bar\nhost$ seq 5\n..."
    )
    watcher, screen = watch(article(steps))
    screen.shows("(Space goes on)")
    screen.wait(lambda s: s.rows[23].startswith(f" {BAR}"), "the bar")
    assert "step 2/2  Space t n p h o q ?" in screen.rows[23]
    for columns, lines in ((70, 12), (90, 30)):
        screen.resize(columns, lines)
        screen.wait(lambda s, n=lines: BAR in s.rows[n - 1], "the bar")  # type: ignore[misc]
        assert screen.text.count(BAR) == 1
        # The cursor is above the bar.
        assert BAR not in screen.cursor_row
    watcher.press(" ")
    assert watcher.ended() == 0
    assert BAR not in screen.text
    assert "step" not in screen.text
    assert screen.scrolls_whole()


def test_the_help_and_the_headings_give_the_stage_back(watch: Watch) -> None:
    watcher, screen = watch(article("host$ echo a\na"))
    screen.shows("(Space goes on)", BAR)
    for key, shown, back in (
        ("?", "the next heading, the prev", "x"),
        ("h", "2 The end", "\x1b"),
    ):
        watcher.press(key)
        screen.shows(shown)
        watcher.press(back)
        screen.shows(BAR)
    watcher.press(" ")
    assert watcher.ended() == 0
    # pyte has one screen only; a terminal has two, and these switch between them.
    screen.flush()
    switches = re.findall(r"\x1b\[\?1049[hl]", watcher.log.read_text())
    assert [each[-1] for each in switches] == ["h", "l", "h", "l"]


def test_a_word_typed_while_a_step_runs_is_not_taken_for_keys(watch: Watch) -> None:
    watcher, screen = watch(article("host$ echo be''gun; sleep 1\nbegun\nhost$ echo two\ntwo"))
    screen.shows("begun")
    watcher.press("containers\r")
    screen.shows("(Space goes on)")
    assert "is yours" not in screen.text
    watcher.press("t")
    screen.shows("there is no live bash yet")
    watcher.press(" ")
    assert watcher.ended() == 0


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course of three recipes, the last of which cannot be performed; its state directory."""
    install(tmp_path, "recipes", checkout=True)
    prose = (
        "\nSee [the\nfirst](01-first.play.md) and [proc(5)](https://man7.org/proc.5.html).\n"
    )
    second = recipe_text("host$ echo more\nmore\n", title='"Two"') + prose
    (tmp_path / "recipes" / "02-second.play.md").write_text(second)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "shellplay"


def completed() -> list[str]:
    """Return the names of the recipes that are marked as seen."""
    done = program("recipes", "--json")
    assert done.returncode == 0, done.stderr
    return [each["name"] for each in json.loads(done.stdout)["recipes"] if each["completed"]]


def tour(tmp_path: Path, **more: str) -> tuple[Watcher, Screen]:
    """Start the tour on a screen."""
    variables = {"XDG_STATE_HOME": os.environ["XDG_STATE_HOME"], **more}
    words = [*PROGRAM, "tour", "--speed", "50"]
    watcher = Watcher(words, tmp_path / "tour.log", columns=80, lines=40, more=variables)
    return watcher, Screen(watcher, 80, 40)


def test_the_tour_offers_the_next_recipe_and_marks_what_was_seen(
    course: Path, tmp_path: Path
) -> None:
    watcher, screen = tour(tmp_path, TERM_PROGRAM="WezTerm")
    screen.shows("Next: replay second (1 min) [Enter], any other key leaves")
    assert completed() == ["first"]
    watcher.press("\r")
    screen.shows("$ echo more", "the first (replay first)")
    # The last recipe cannot be performed, so there is no other one.
    assert watcher.ended() == 0
    assert completed() == ["first", "second"]
    screen.flush()
    assert re.search(r"\x1b\]8;[^;]*;https://man7.org/proc.5.html", watcher.log.read_text())
    assert (course / "completed").stat().st_mode & 0o077 == 0
    watcher.close()


def test_another_key_leaves_and_a_broken_mark_file_is_no_obstacle(
    course: Path, tmp_path: Path
) -> None:
    course.mkdir(mode=0o700, parents=True)
    (course / "completed").write_bytes(b"\xff\x1b[2J\nfirst \n../second\n" * 9)
    assert completed() == []
    (course / "completed").unlink()
    # No file can be made in a directory of this name, and nothing can be read from it.
    (course / "completed").mkdir()
    watcher, screen = tour(tmp_path)
    screen.shows("Next: replay second")
    watcher.press("x")
    assert watcher.ended() == 0
    assert "echo more" not in screen.text
    assert completed() == []
    screen.flush()
    assert "\x1b]8" not in watcher.log.read_text()
    watcher.close()


def test_a_test_says_what_runs_while_it_runs(tmp_path: Path) -> None:
    wait = f"host$ until test -e {tmp_path}/go; do sleep 0.05; done"
    for name in ("one", "two"):
        (tmp_path / f"{name}.play.md").write_text(recipe_text(f"{wait}\n"))
    words = [*PROGRAM, "test", str(tmp_path)]
    watcher = Watcher(words, tmp_path / "test.log", columns=100, lines=20)
    screen = Screen(watcher, 100, 20)
    screen.shows(f"1/2 {tmp_path}/one.play.md")
    (tmp_path / "go").touch()
    screen.shows("2 recipes: 2 passed")
    assert watcher.ended() == 0
    assert "/2 " not in screen.text
    watcher.close()
