"""The prompt in a real terminal: hand-over to the bash, notices, signals, small windows."""

import os
import signal
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.terminal import Terminal
from tests.waiting import at_random_moments, wait_until

pytestmark = pytest.mark.e2e


@contextmanager
def slave(terminal: Terminal) -> Iterator[int]:
    """Hold the terminal of the program open, to see how it is left behind."""
    path = Path(f"/proc/{terminal.pid}/fd/0").readlink()
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def bash_of(terminal: Terminal) -> int:
    """Make a container and return the PID of its bash."""
    _, output = terminal.run("new web")
    return int(output.split("(PID ")[1].split(")")[0])


def test_keys_typed_behind_enter_reach_the_bash_and_those_behind_the_key_the_prompt(
    terminal: Terminal,
) -> None:
    terminal.run("new web")
    terminal.send("enter\recho in-$((40+2))\r")
    terminal.expect("in-42")
    terminal.send("\x1dps host\r")
    terminal.expect("web: left, bash \\d+ lives on")
    terminal.expect("HOST PID")


def test_the_key_that_leaves_also_enters(terminal: Terminal) -> None:
    terminal.run("new web")
    terminal.send("half a line\x1d")
    terminal.expect("lives on")
    terminal.send("echo in-$((40+2))\r")
    terminal.expect("in-42")
    terminal.control("]")
    terminal.ready()
    terminal.send("\x15")
    assert terminal.run("trace off") == (0, "trace is off\n")


def test_a_bash_that_dies_is_told_above_the_line_that_is_typed(terminal: Terminal) -> None:
    pid = bash_of(terminal)
    terminal.send("trace ")
    os.kill(pid, signal.SIGKILL)
    terminal.expect(f"web: bash {pid} has exited")
    terminal.send("off\r")
    terminal.expect("trace is off")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("entered", [False, True], ids=["at the prompt", "entered"])
def test_a_signal_leaves_the_terminal_as_it_was(
    terminal: Terminal, number: signal.Signals, *, entered: bool
) -> None:
    bash_of(terminal)
    with slave(terminal) as fd:
        if entered:
            terminal.send("enter\recho in-$((40+2))\r")
            terminal.expect("in-42")
        os.kill(terminal.pid, number)
        # Not by its end of file: we hold the terminal open ourselves.
        wait_until(lambda: not terminal.shell.isalive(), "the program to end")
        assert terminal.shell.exitstatus == 128 + number
        modes = termios.tcgetattr(fd)
    assert modes[3] & (termios.ECHO | termios.ICANON) == termios.ECHO | termios.ICANON


def test_ctrl_c_stops_what_runs_in_the_bash_and_the_prompt_goes_on(terminal: Terminal) -> None:
    terminal.run("new web")
    terminal.send("in sh -c 'echo go-$((40+2)); exec sleep 1000'\r")
    terminal.expect("go-42")
    terminal.send("\x03")
    terminal.expect("exit status 130")
    terminal.ready()
    assert terminal.run("in echo x-$((40+2))") == (0, "x-42\n")


def test_twenty_columns_are_enough(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal(columns=20, lines=8)
    for line in ("new web", "fence uts", "fences", "ps host", "help fence", "containers"):
        assert terminal.run(line)[0] == 0


def test_ctrl_c_right_after_enter_costs_the_line_only(terminal: Terminal) -> None:
    terminal.run("new web")
    for _ in range(40):
        terminal.send("trace off\r\x03")
    terminal.send("\x15in echo x-$((40+2))\r")
    terminal.expect("x-42")


@pytest.mark.parametrize("number", ["SIGINT", "SIGTSTP", "SIGQUIT", "SIGWINCH"])
def test_no_signal_ends_the_session_whenever_it_comes(number: str, terminal: Terminal) -> None:
    terminal.run("new web")
    for _ in range(60):
        terminal.send("trace off; trace off\r")
        at_random_moments(
            lambda: os.kill(terminal.pid, signal.Signals[number]), 3, longest=0.02
        )
    terminal.send("\x15in echo x-$((40+2))\r")
    terminal.expect("x-42")


def test_ctrl_d_asks_once_before_a_fence_is_lost(
    open_terminal: Callable[..., Terminal],
) -> None:
    terminal = open_terminal(environment={"SHELLPLAY_MARKS": "1"})
    terminal.run("new web; fence uts")
    terminal.send("\x04")
    terminal.expect(r"leaving ends web \([a-z ]*uts\) \(Ctrl-D or quit again: leave\)")
    terminal.ready()
    # Another line, and it asks anew.
    terminal.run("trace off")
    terminal.send("\x04")
    terminal.expect("leaving ends web")
    terminal.ready()
    terminal.send("\x04")
    terminal.expect("web: stopped")
    assert terminal.ended() == 0


def test_ctrl_d_says_what_it_ended(terminal: Terminal) -> None:
    terminal.run("new web")
    terminal.send("\x04")
    terminal.expect("web: stopped, 1 process ended")
    assert terminal.ended() == 0


def test_a_long_line_of_odd_bytes_is_one_short_sentence(terminal: Terminal) -> None:
    status, output = terminal.run("é" * 3000)
    assert (status, len(output) < 200) == (2, True)


def test_ctrl_z_does_not_stop_the_front_end(terminal: Terminal) -> None:
    terminal.run("new web")
    terminal.send("in echo go-$((40+2)); read -r line; echo got-$line\r")
    terminal.expect("go-42")
    terminal.control("z")
    terminal.control("c")
    terminal.expect("exit status 130")
    terminal.ready()
    assert terminal.run("!echo x-$((40+2))") == (0, "x-42\n")


def test_a_huge_paste_is_taken_whole_and_refused_in_one_sentence(terminal: Terminal) -> None:
    status, output = terminal.run("\x1b[200~" + "x" * 200_000 + "\x1b[201~")
    assert status == 2
    assert 'unknown command "xxx' in output
    assert len(output) < 200
    assert terminal.run("trace off") == (0, "trace is off\n")
