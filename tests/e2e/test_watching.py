"""stats --watch at a terminal: one table in the place of the last, and two keys that end it."""

from __future__ import annotations

import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.screen import Screen
from tests.terminal import Terminal

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "^C"])
def test_the_table_stays_in_its_place_until_a_key_ends_it(
    open_terminal: Callable[..., Terminal], key: str
) -> None:
    terminal = open_terminal(columns=80, lines=20)
    screen = Screen(terminal, 80, 20)
    terminal.run("new web")
    terminal.send("stats --watch 0.02\r")
    screen.shows("NAME  PIDS", "web      1")
    terminal.send("in")
    # That it is drawn again is seen by what changes; meanwhile it stays one table.
    for _ in range(5):
        terminal.expect("web ")
    assert screen.text.count("NAME  PIDS") == 1
    terminal.send(key)
    terminal.ready()
    # Keys before it were dropped, and the terminal is as it was.
    assert terminal.run("!echo x-$((40+2))") == (0, "x-42\n")
    assert screen.text.count("NAME  PIDS") == 1


def test_what_is_typed_behind_the_q_is_for_the_prompt(terminal: Terminal) -> None:
    terminal.run("new web")
    terminal.send("stats --watch 0.02\r")
    terminal.expect("NAME")
    terminal.send("q!echo x-$((40+2))\r")
    terminal.expect("x-42")


def test_a_table_that_is_too_high_is_cut(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal(columns=80, lines=8)
    for _ in range(9):
        terminal.run("new")
    screen = Screen(terminal, 80, 8)
    terminal.send("stats --watch 0.02\r")
    for _ in range(3):
        terminal.expect("NAME")
    assert screen.rows[0].startswith("NAME")
    terminal.send("q")
    terminal.ready()


@pytest.mark.parametrize("how", [{"term": "dumb"}, {"arguments": ("--plain",)}])
def test_a_dumb_terminal_and_a_plain_one_get_one_table_after_the_other(
    open_terminal: Callable[..., Terminal], how: dict[str, object]
) -> None:
    arguments = how.pop("arguments", ())
    assert isinstance(arguments, tuple)
    terminal = open_terminal(*arguments, **how)
    terminal.run("new web")
    terminal.send("stats --watch 0.02\r")
    told = "".join(terminal.expect("NAME") for _ in range(3))
    assert "\x1b" not in told
    terminal.send("q")
    terminal.ready()
    with Path(f"/proc/{terminal.pid}/fd/0").open() as keys:
        modes = termios.tcgetattr(keys)[3]
    assert modes & (termios.ECHO | termios.ICANON) == termios.ECHO | termios.ICANON
