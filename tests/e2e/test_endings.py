"""Stories of ends: nothing is left behind, whatever ends first and however."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import termios
from contextlib import closing
from pathlib import Path

import pytest

from shellplay.kernel.process_tree import descendants
from tests.e2e.watching import PROGRAM, Watcher
from tests.terminal import Terminal
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

# It ignores the hangup, left its session and its parent: whoever kills by those misses it.
STUBBORN = "in (trap '' HUP TERM; setsid sh -c 'sleep 1000 & sleep 1000' &)"


def sleeps_of(terminal: Terminal) -> list[int]:
    """Return the host PIDs of the sleeps that ``ps host`` shows."""
    rows = json.loads(terminal.run("ps host --json")[1])["processes"]
    return [row["pid"] for row in rows if row["command"] == "sleep 1000"]


def gone(pids: list[int]) -> bool:
    """Tell whether none of ``pids`` runs any more."""
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.everyone
def test_a_kill_of_the_program_in_the_middle_leaves_nothing(web: Terminal) -> None:
    for line in ("fence pid mnt uts net", "spawn sleep 1000", STUBBORN, "new db"):
        assert web.run(line)[0] == 0
    pids = wait_until(
        lambda: found if len(found := sleeps_of(web)) == 3 else [], "three sleeps"
    )
    web.send("in echo go-$((40+2)); read -r\r")
    web.expect("go-42")
    os.kill(web.pid, signal.SIGKILL)
    wait_until(lambda: gone(pids), "the end of every process")
    assert web.ended() == 128 + signal.SIGKILL


def test_a_kill_of_the_playground_process_is_told_and_the_program_goes_on(
    web: Terminal,
) -> None:
    assert web.run(STUBBORN)[0] == 0
    pids = wait_until(lambda: found if len(found := sleeps_of(web)) == 2 else [], "two sleeps")
    line = re.search(r"^ *(\d+) .* playground ", web.run("ps host")[1], re.M)
    assert line
    os.kill(int(line[1]), signal.SIGKILL)
    web.expect("the playground process has ended, and every container with it")
    wait_until(lambda: gone(pids), "the end of every process")
    web.send("\r")
    web.ready()
    assert web.run("new again")[0] == 0
    assert web.run("in echo x-$((40+2))") == (0, "x-42\n")


def test_a_terminal_that_is_closed_while_it_is_entered_ends_everything(web: Terminal) -> None:
    assert web.run(STUBBORN)[0] == 0
    pids = wait_until(lambda: found if len(found := sleeps_of(web)) == 2 else [], "two sleeps")
    web.send("enter\recho in-$((40+2))\r")
    web.expect("in-42")
    web.shell.ptyproc.fileobj.close()
    wait_until(lambda: not web.shell.isalive(), "the end of the program")
    wait_until(lambda: gone(pids), "the end of every process")


def test_who_leaves_at_once_is_told_nothing(terminal: Terminal) -> None:
    terminal.send("quit\r")
    assert terminal.ended() == 0
    assert "Traceback" not in str(terminal.shell.before)


def test_quit_says_what_it_ends_also_if_it_is_busy_or_dead(web: Terminal) -> None:
    web.run("new db")
    web.send("enter\rsh -c 'echo go-$((40+2)); exec sleep 1000'\r")
    web.expect("go-42")
    web.control("]")
    web.ready()
    web.run("new last")
    web.send("enter\rexit 1\r")
    web.expect(r"last: bash \d+ has exited")
    web.ready()
    web.send("quit\r")
    web.expect("web: stopped, 1 process ended\r\ndb: stopped, 2 processes ended\r\n")
    assert web.ended() == 0


def test_a_kill_while_a_container_is_entered_leaves_a_terminal_that_can_be_typed_at(
    tmp_path: Path,
) -> None:
    # Below a shell that does not put the modes back itself.
    line = f"{shlex.join(PROGRAM)} --no-config --plain; echo status-$?; read -r line"
    with closing(Watcher(["/bin/sh", "-c", line], tmp_path / "log")) as watcher:
        watcher.sees("shellplay>")
        watcher.press("new web\renter\r")
        watcher.sees("the bash lives on")
        wait_until(lambda: not watcher.modes()[3] & termios.ISIG, "the terminal to be raw")
        os.kill(descendants(watcher.shell.pid)[0], signal.SIGKILL)
        watcher.sees("status-137")
        wait_until(lambda: watcher.modes() == watcher.usual, "the modes from before")
        watcher.press("\r")
        assert watcher.ended() == 0
