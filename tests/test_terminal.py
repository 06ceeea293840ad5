"""The driver of the stories: a line's status and output are exact, in each front end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.terminal import Terminal

pytestmark = pytest.mark.e2e


def test_a_line_gives_its_status_and_its_output(terminal: Terminal) -> None:
    terminal.run("new")
    assert terminal.run("in echo x-$((40+2))") == (0, "x-42\n")
    status, output = terminal.run("fense pid")
    assert status == 2
    assert "fence" in output


def test_plain_mode_gives_the_same(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal("--plain")
    terminal.run("new")
    assert terminal.run("in echo x-$((40+2))") == (0, "x-42\n")


def test_a_program_that_was_asked_to_quit_ends_with_its_status(terminal: Terminal) -> None:
    terminal.send("quit\r")
    assert terminal.ended() == 0


def test_closing_the_terminal_ends_everything(terminal: Terminal) -> None:
    terminal.run("spawn sleep 1000 &")
    terminal.close()
    assert not terminal.shell.isalive()
