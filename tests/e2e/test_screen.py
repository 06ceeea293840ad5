"""Stories of what a person sees: prompt, bar, menu and colours, at 80 and at 20 columns."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from shellplay.cmdline.registry import TABLE
from tests.screen import Screen
from tests.terminal import Terminal

pytestmark = pytest.mark.e2e

OpenScreen = Callable[..., tuple[Terminal, Screen]]


def _bar_begins(bar: str, screen: Screen) -> bool:
    return screen.rows[-1].strip().startswith(bar)


def _shows(texts: list[str], screen: Screen) -> bool:
    return all(text in screen.text.replace("\n", "") for text in texts)


def test_the_first_screen_says_what_to_do(open_screen: OpenScreen) -> None:
    _, screen = open_screen()
    screen.shows("no container yet: new starts one, help lists commands")
    assert screen.rows[0] == "shellplay>"
    assert screen.rows[-1].startswith(" no container")


@pytest.mark.parametrize("columns", [80, 20])
def test_the_menu_offers_commands_fences_options_and_containers_with_their_meaning(
    open_screen: OpenScreen, columns: int
) -> None:
    terminal, screen = open_screen(columns=columns, lines=24)
    terminal.run("new web")
    for typed, offered, meaning in [
        ("fenc", "fences", TABLE["fences"].summary),
        ("fence p", "pid", "Gives bash its own PIDs"),
        ("fence uts hos", "hostname=", "the name inside"),
        ("fence --con", "--container", "act on this container"),
        ("use w", "web", "bash"),
        ("set li", "live", "fence the running bash"),
        ("help tr", "trace", TABLE["trace"].summary[:40]),
    ]:
        terminal.send(typed)
        screen.shows(offered, meaning if columns == 80 else "...")
        assert all(len(row) <= columns for row in screen.rows)
        terminal.control("c")
        screen.wait(lambda now: now.cursor_row == "web>", "an empty line")


def test_tab_takes_what_is_offered(open_screen: OpenScreen) -> None:
    terminal, screen = open_screen()
    terminal.send("contai")
    screen.shows(TABLE["containers"].summary)
    terminal.send("\t")
    screen.wait(lambda now: now.cursor_row == "shellplay> containers", "the whole word")


def test_the_line_that_was_typed_before_is_suggested_and_taken(open_screen: OpenScreen) -> None:
    terminal, screen = open_screen()
    terminal.run("new suggested-name")
    terminal.send("new sugg")
    screen.wait(lambda now: now.cursor_row == "suggested-name> new suggested-name", "the rest")
    terminal.send("\x1b[C-2\r")
    screen.shows("suggested-name-2: bash")


def test_the_bar_follows_the_fences_and_the_state(open_screen: OpenScreen) -> None:
    terminal, screen = open_screen()
    for line, bar in [
        ("new web", "web  no fences  idle"),
        ("fence uts", "web  uts  idle"),
        ("fence pid", "web  uts pid  idle  1 parked"),
        ("new db", "db  no fences  idle  +1 more"),
        ("peel all -c web; use web", "web  no fences  idle  +1 more"),
        ("stop web; stop db", "no container"),
    ]:
        terminal.run(line)
        screen.wait(partial(_bar_begins, bar), bar)


def test_twenty_columns_show_the_prompt_the_bar_and_every_table(
    open_screen: OpenScreen,
) -> None:
    terminal, screen = open_screen(columns=20, lines=60)
    for line, texts in [
        ("new web", ["web: bash"]),
        ("fence uts", ["uts fence is", "up: bash keeps"]),
        ("fences", ["FENCE", "uts", "fenced"]),
        ("ps host", ["HOST PID", "COMMAND", "bash"]),
        ("containers", ["NAME", "web"]),
    ]:
        terminal.run(line)
        screen.wait(partial(_shows, texts), line)
    screen.wait(lambda now: now.rows[-1].startswith(" web  uts"), "the bar")
    assert screen.cursor_row == "web[uts]>"


def test_an_unknown_command_is_red_and_a_known_one_is_not(open_screen: OpenScreen) -> None:
    terminal, screen = open_screen()
    terminal.send("fenze pid")
    screen.wait(lambda now: "fenze pid" in now.text and now.color_of("fenze") == "red", "red")
    terminal.control("c")
    terminal.send("fence pid")
    screen.wait(
        lambda now: "fence pid" in now.text and now.color_of("fence") == "green", "green"
    )


def test_what_is_typed_ahead_is_shown_again_by_the_next_prompt(
    open_screen: OpenScreen, tmp_path: Path
) -> None:
    terminal, screen = open_screen()
    terminal.send(f"in echo run''ning; until [ -e {tmp_path}/go ]; do sleep 0.01; done\r")
    screen.shows("running")
    terminal.send("fence pid")
    # The terminal of the line shows what is typed, as every terminal.
    screen.wait(lambda now: now.cursor_row == "fence pid", "the keys")
    (tmp_path / "go").touch()
    screen.wait(lambda now: now.cursor_row.endswith("> fence pid"), "the line at its prompt")
    assert screen.text.count("fence pid") == 2


def test_a_new_window_size_moves_the_bar_at_the_prompt(open_screen: OpenScreen) -> None:
    _, screen = open_screen()
    screen.shows("no container")
    screen.resize(40, 12)
    screen.wait(lambda now: now.rows[11].startswith(" no container"), "the bar at the bottom")
