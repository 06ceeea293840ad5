"""The bar below an entered bash: always there, never in the way, and gone at the end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.screen import Screen
from tests.terminal import Terminal

pytestmark = pytest.mark.e2e

Open = Callable[..., tuple[Terminal, Screen]]
BAR = " web  uts  Ctrl-] returns"


def entered(
    open_screen: Open, *, columns: int = 80, lines: int = 20
) -> tuple[Terminal, Screen]:
    """Open a screen, and enter a container behind one fence."""
    terminal, screen = open_screen(columns=columns, lines=lines)
    terminal.send("new web; fence uts hostname=h; enter\r")
    shows_bar(screen, lines)
    screen.shows("root@h:")
    return terminal, screen


def shows_bar(screen: Screen, lines: int) -> None:
    """Wait until the bar is in the last row, and only there."""
    screen.wait(
        lambda s: s.rows[lines - 1] == BAR and s.text.count(BAR) == 1, "the bar in the last row"
    )


def test_the_bar_says_where_you_are_and_the_program_has_the_other_rows(
    open_screen: Open,
) -> None:
    terminal, screen = entered(open_screen)
    terminal.send("stty size; seq 30\r")
    screen.wait(lambda s: s.rows[17] == "30" and s.rows[18].startswith("root@h:"), "30 lines")
    assert screen.rows[0] == "13"
    shows_bar(screen, 20)
    terminal.send("\x1d")
    screen.shows("lives on")
    screen.wait(lambda s: BAR not in s.text, "the end of the bar")


@pytest.mark.parametrize(
    "attack",
    [
        r"\ec",
        r"\e[!p\e[2J",
        r"\e[r\e[20;1Hforged\e[5;1H",
        r"\e[1;20r\e[20;1Hforged\n\n\n\e[5;1H",
        r"\e[?6h\e(0\e[7m\e[?1049h\e[2J\e[?1049l\e[?6l\e(B\e[0m\e[5;1H",
        # It never ends, so it is cancelled.
        r"\e[20;1Hforged\e[5;1H\e]0;",
    ],
)
def test_output_cannot_remove_or_forge_the_bar_for_long(open_screen: Open, attack: str) -> None:
    terminal, screen = entered(open_screen)
    terminal.send(f"printf '{attack}'; read -r\r")
    written = attack.replace(r"\e", "\x1b").replace(r"\n", "\n")
    screen.wait(lambda s: written in s.log, "the attack")
    screen.wait(lambda s: s.rows[19] == BAR and not s.scrolls_whole(), "the bar and its region")
    terminal.send("\r")
    terminal.send("seq 40\r")
    screen.wait(lambda s: s.rows[17] == "40", "40 lines")
    shows_bar(screen, 20)


def test_the_bar_follows_the_size_of_the_window(open_screen: Open) -> None:
    terminal, screen = entered(open_screen)
    for columns, lines in ((50, 12), (90, 25)):
        screen.resize(columns, lines)
        shows_bar(screen, lines)
        terminal.send("echo size-$(stty size)\r")
        screen.shows(f"size-{lines - 1} {columns}")
    screen.resize(90, 5)
    terminal.send("echo size-$(stty size)\r")
    screen.shows("size-5 90")
    screen.resize(90, 20)
    shows_bar(screen, 20)


def test_after_a_kill_the_bar_is_gone_and_all_rows_scroll(open_screen: Open) -> None:
    terminal, screen = entered(open_screen)
    os.kill(terminal.shell.pid, signal.SIGKILL)
    screen.wait(lambda s: BAR not in s.text and s.scrolls_whole(), "the end of the bar")


def test_a_setting_switches_the_bar_off(open_screen: Open) -> None:
    terminal, screen = open_screen(columns=80, lines=20)
    terminal.send("set bar off; new web; enter\r")
    screen.shows("root@")
    terminal.send("stty size\r")
    screen.shows("20 80")
    assert "returns" not in screen.text


def test_commands_of_shellplay_typed_inside_say_how_to_get_out(web: Terminal) -> None:
    web.run("fence pid")
    said = "is a shellplay command: press Ctrl-] (the detach key) first"
    for word in ("peel", "fence", "fences"):
        status, shown = web.run(f"in {word} pid")
        assert (status, shown.splitlines()[0]) == (127, f"{word} {said}")
    shown = web.run("in no-such-word")[1]
    assert shown.splitlines()[0] == "bash: no-such-word: command not found"
    # It is in every bash, so it is not state.
    assert "command_not_found" not in web.run("peel pid")[1]


@pytest.mark.everyone
def test_a_handler_of_the_user_is_state_and_is_carried(web: Terminal) -> None:
    web.run("fence uts; fence nnp")
    web.run("in command_not_found_handle() { echo mine $1; }")
    web.run("peel nnp --code")
    assert web.run("in no-such-word") == (0, "mine no-such-word\n")
