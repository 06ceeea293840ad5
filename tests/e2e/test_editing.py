"""Stories of editing: commands with several lines, vi mode, and an editor for a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shellplay.repl.history import HistoryFile
from tests.screen import Screen
from tests.terminal import Terminal

pytestmark = pytest.mark.e2e

OpenScreen = Callable[..., tuple[Terminal, Screen]]


def at(prompt: str) -> Callable[[Screen], bool]:
    """Return a condition: the cursor is behind this prompt."""
    return lambda screen: screen.cursor_row == prompt


def test_a_loop_a_quote_and_a_backslash_go_on_at_the_next_line(
    open_screen: OpenScreen, tmp_path: Path
) -> None:
    terminal, screen = open_screen()
    terminal.run("new web")
    for first, more, shown in [
        ("in for i in 1 2; do", ["echo loop-$i", "done"], "loop-1\nloop-2"),
        ('in echo "abc', 'def"', "abc\ndef"),
        ("in echo one-\\", ["two"], "one-two"),
        ("in cat <<END", ["here-$((40+2))", "END"], "here-42"),
        ('! echo "uvw', ['xyz"'], "uvw\nxyz"),
        ("trace \\", ["off"], "trace is off"),
    ]:
        terminal.send(f"{first}\r")
        for line in [more] if isinstance(more, str) else more:
            screen.wait(at("...>"), "the prompt for more")
            terminal.send(f"{line}\r")
        screen.wait(lambda now, shown=shown: f"{shown}\nweb>" in now.text, shown)  # type: ignore[misc]
    entries = HistoryFile(tmp_path / "state" / "shellplay" / "history").entries()
    assert entries[1] == "in for i in 1 2; do\necho loop-$i\ndone"
    assert entries[-1] == "trace \\\noff"


@pytest.mark.parametrize("key", ["c", "d"])
def test_ctrl_c_and_ctrl_d_cancel_a_command_that_is_not_complete(
    open_screen: OpenScreen, key: str
) -> None:
    terminal, screen = open_screen()
    terminal.run("new web")
    for first in ('in echo "abc', "in for i in 1 2; do"):
        terminal.send(f"{first}\r")
        screen.wait(at("...>"), "the prompt for more")
        terminal.control(key)
        screen.wait(at("web>"), "the prompt")
    assert "not complete" not in screen.text
    assert terminal.run("in echo in-$((40+2))") == (0, "in-42\n")


def test_only_the_incomplete_command_runs_again_with_more_lines(
    open_screen: OpenScreen, tmp_path: Path
) -> None:
    terminal, screen = open_screen()
    terminal.run("new web")
    terminal.send(f"! echo once >>{tmp_path}/count; in while read -r x; do\r")
    screen.wait(at("...>"), "the prompt for more")
    terminal.send(f"echo read-$x; done <{tmp_path}/count\r")
    screen.shows("read-once")
    screen.wait(at("web>"), "the prompt")
    assert screen.text.count("read-once") == 1


def test_a_program_that_types_gets_the_error(terminal: Terminal) -> None:
    terminal.run("new web")
    status, error = terminal.run("in for i in 1 2; do")
    assert (status, "the line is not complete" in error) == (1, True)
    status, error = terminal.run("new web2 \\")
    assert (status, "ends in a backslash" in error) == (2, True)


def test_each_pasted_line_is_shown_before_its_output(open_screen: OpenScreen) -> None:
    terminal, screen = open_screen()
    terminal.run("new web")
    lines = (
        "in echo a-$((1+1))\n! echo b-$((1+1))\nin for i in 3\ndo echo c-$i\ndone\ntrace off"
    )
    terminal.send(f"\x1b[200~{lines}\x1b[201~")
    screen.shows("trace off")
    terminal.send("\r")
    screen.shows(
        "web> in echo a-$((1+1))\na-2\n"
        "web> ! echo b-$((1+1))\nb-2\n"
        "web> in for i in 3\n...> do echo c-$i\n...> done\nc-3\n"
        "web> trace off\ntrace is off\n"
        "web>"
    )
    assert screen.text.count("in echo a-") == 1


def test_the_keys_of_vi_are_a_setting(terminal: Terminal) -> None:
    status, error = terminal.run("set editing_mode nano")
    assert (status, "write emacs or vi" in error) == (2, True)
    terminal.run("set editing_mode vi")
    terminal.send("trace offf\x1bx\r")
    terminal.expect("trace is off")
    terminal.ready()
    assert terminal.run("set editing_mode emacs")[0] == 0


def test_ctrl_x_ctrl_e_opens_the_editor_of_the_user_for_the_line(
    open_terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "\\n! echo second-$((40+2))\\n" >>"$1"\n')
    editor.chmod(0o755)
    terminal = open_terminal(environment={"VISUAL": str(editor)})
    terminal.send("! echo first-$((40+2))\x18\x05")
    terminal.expect("first-42\r\n")
    terminal.expect("second-42\r\n")
