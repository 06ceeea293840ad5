"""Stories of ``in`` at a terminal: the keys are for what runs, and nobody gets stuck."""

from __future__ import annotations

import os
import re
import shutil
import signal
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from shellplay.shell.unread_keys import unread
from tests.screen import Screen
from tests.terminal import Terminal
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

OpenScreen = Callable[..., tuple[Terminal, Screen]]
LEFT = "web: the line still runs"
ANSWER = (0, "in-42\n")


def answers(terminal: Terminal) -> None:
    """Assert that the prompt works, and the bash too."""
    terminal.ready()
    assert terminal.run("in echo in-$((40+2))") == ANSWER


@pytest.mark.skipif(shutil.which("less") is None, reason="needs less(1)")
def test_less_has_the_whole_screen_and_q_comes_back(web: Terminal, tmp_path: Path) -> None:
    (tmp_path / "page").write_text("".join(f"It is line {n}.\n" for n in range(100)))
    web.send(f"in less {tmp_path}/page\r")
    web.expect(r"web: less fills the screen, so this is enter now: Ctrl-\] comes back\r\n")
    web.expect(re.escape("\x1b[?1049h"))
    web.expect(r"It is line 0\.")
    web.send("G")
    web.expect(r"It is line 99\.")
    web.shell.setwinsize(12, 60)
    web.expect(r"It is line 81\.\r\n:")
    web.send("q")
    web.expect(re.escape("\x1b[?1049l"))
    answers(web)


@pytest.mark.skipif(shutil.which("less") is None, reason="needs less(1)")
def test_the_detach_key_comes_back_from_less_and_enter_goes_back_to_it(
    web: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "page").write_text("It stands on the screen.\n")
    web.send(f"in less {tmp_path}/page\r")
    web.expect(r"It stands on the screen\.")
    web.control("]")
    assert "\x1b[?1049l" in web.expect(LEFT)
    web.ready()
    status, refusal = web.run("in ls")
    assert (status, "bash is busy: less" in refusal) == (1, True)
    assert "enter, to go back to it" in refusal
    web.send("enter\r")
    web.expect(r"It stands on the screen\.")
    # Bash asks for the keys that less has not read, and gets them again.
    web.send("qecho here-$((40+2))\r")
    web.expect("here-42")
    web.control("]")
    answers(web)


def test_cat_reads_keys_and_ends_with_ctrl_d_and_with_ctrl_c(web: Terminal) -> None:
    web.send("in cat\r")
    web.send("one\r")
    web.expect("one\r\none\r\n")
    web.control("d")
    answers(web)
    web.send("in cat\r")
    web.send("two\r")
    web.expect("two\r\ntwo\r\n")
    web.control("c")
    web.expect("exit status 130")
    answers(web)


def test_ctrl_z_stops_a_job_and_fg_has_the_keys_again(web: Terminal) -> None:
    web.send("in cat\rone\r")
    web.expect("one\r\none\r\n")
    web.control("z")
    web.expect(r"\[1\]\+\s+Stopped\s+cat")
    web.ready()
    web.send("in fg\r")
    web.send("two\r")
    # Bash says what it continues, maybe after the keys are echoed.
    web.expect("two\r\n(cat\r\n)?two\r\n")
    web.send("\x1c")
    web.expect("exit status 131")
    answers(web)


@pytest.mark.skipif(shutil.which("python3") is None, reason="needs python3")
def test_the_prompt_of_python_can_be_edited(open_screen: OpenScreen) -> None:
    terminal, screen = open_screen()
    terminal.run("new web")
    terminal.send("in python3 -q\r")
    screen.wait(lambda now: now.cursor_row.startswith(">>>"), "the prompt of Python")
    terminal.send('"left" + "righ\x7fht"\r')
    screen.shows("'leftright'")
    terminal.control("c")
    screen.shows("KeyboardInterrupt")
    terminal.control("d")
    answers(terminal)


def test_the_detach_key_comes_back_from_what_takes_no_key(web: Terminal) -> None:
    web.send("in sh -c \"trap '' INT TSTP QUIT; echo go-$((40+2)); exec sleep 1000\"\r")
    web.expect("go-42")
    web.send("\x03\x03\x03")
    web.expect(r"Ctrl-\] comes back to the prompt")
    web.send("\x1a\x1c\x1din echo behind\r")
    web.expect(LEFT)
    web.expect("bash is busy: sleep 1000")
    web.ready()


def test_keys_that_no_program_has_read_are_for_the_prompt(web: Terminal) -> None:
    web.send("in read -r line; echo got-$line\r")
    web.send("abc\rtrace off\rhal")
    web.expect("got-abc")
    web.expect("trace is off")
    web.ready()
    web.send("\x15")
    assert web.run("in echo in-$((40+2))") == ANSWER


def test_a_detach_key_typed_ahead_leaves_the_line_when_it_runs(web: Terminal) -> None:
    web.send("in sleep 1000\r\x1d")
    web.expect(LEFT)
    web.ready()
    assert "sleep 1000" in web.run("ps")[1]


def test_what_runs_has_the_size_of_the_window_also_when_that_changes(web: Terminal) -> None:
    web.shell.setwinsize(31, 93)
    waits = "until [[ $(stty size) == '32 94' ]]; do :; done"
    web.send(f"in stty size; {waits}; echo new-$((40+2))\r")
    web.expect("31 93")
    web.shell.setwinsize(32, 94)
    web.expect("new-42")
    answers(web)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_modes_come_back_when_the_program_is_killed(
    web: Terminal, number: signal.Signals
) -> None:
    path = Path(f"/proc/{web.pid}/fd/0").readlink()
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        web.send("in echo go-$((40+2)); cat\r")
        web.expect("go-42")
        lines = termios.ECHO | termios.ICANON | termios.ISIG
        assert termios.tcgetattr(fd)[3] & lines == 0
        os.kill(web.pid, number)
        wait_until(
            lambda: termios.tcgetattr(fd)[3] & (lines - termios.ECHO), "the modes of a shell"
        )
    finally:
        os.close(fd)


def test_what_could_harm_the_terminal_is_not_drawn(web: Terminal) -> None:
    web.send(
        r"in printf 'a\e]0;title\a\e]52;c;aGk=\ab\e[6n\e[?1049hc\e[>c\eP+q544e\e\\d\u202ee"
        r"\e[?1049lf\n'"
        "\r"
    )
    web.expect(web.marks.output)
    shown = web.expect(web.marks.done)
    assert "a" + "b" in shown
    assert "c" + "d" + "\\u202ee" in shown
    for harmful in ("title", "]52", "[6n", "[>c", "\x1bP"):
        assert harmful not in shown
    answers(web)


def test_a_program_that_forges_the_marks_types_nothing_at_the_prompt(
    web: Terminal, tmp_path: Path
) -> None:
    forged = rf"\e]133;U;k=$n\a\e]133;R;k=$n\a! touch {tmp_path}/typed\n\e]133;r;k=$n\a"
    status, _ = web.run(f'in n=$__shellplay_nonce; printf "{forged}"')
    assert status == 0
    assert web.run("in echo in-$((40+2))") == ANSWER
    assert not (tmp_path / "typed").exists()


def test_only_what_was_typed_comes_back() -> None:
    assert unread(b"one\rtwo\r", b"two\n") == b"two\r"
    assert unread(b"one\rtwx\x7fo", b"two") == b"two"
    assert unread(b"junk\x15ab", b"ab") == b"ab"
    assert unread(b"one\r", b"! rm -rf /\n") == b""
    assert unread(b"one\r", b"") == b""
