"""Behind a one-way fence and ``dev`` the terminal of bash has a name inside: /dev/pts/0."""

from __future__ import annotations

from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.model import ShellState
from tests.fences.conditions import spawned
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
BESIDE_DEV = ("pid", "mnt", "root", "proc", "sys")


def fence(container: Container, *kinds: str) -> None:
    for kind in kinds:
        container.fence(REGISTRY[kind]())


def terminal_of(container: Container) -> str:
    return container.run("tty").output.strip()


def lead_to_nothing_else(container: Container) -> bool:
    """Tell whether all descriptors of bash are of its terminal."""
    fds = Path(f"/proc/{container.pid}/fd")
    return {str(each.readlink()) for each in fds.iterdir()} == {container.terminal.path}


def test_dev_moves_a_copy_to_a_terminal_of_its_own_devpts(container: Container) -> None:
    container.run("a=1; f() { echo function; }")
    fence(container, *BESIDE_DEV, "dev")
    assert terminal_of(container) == "/dev/pts/0"
    assert container.run("ps -o tty= -p $$").output == "pts/0\n"
    assert container.run("stat -c %t:%T /dev/console").output == "88:0\n"
    assert container.run("ls /dev/pts").output.split() == ["0", "ptmx"]
    assert container.run("echo $a; f").output == "1\nfunction\n"
    assert lead_to_nothing_else(container)


def test_the_half_typed_line_and_the_job_control_move_with_it(container: Container) -> None:
    fence(container, "pid", "mnt")
    container.type(b"echo half")
    fence(container, "dev")
    container.type(b"-typed\r")
    wait_until(lambda: "\nhalf-typed" in container.logs().replace("\r", ""), "the line")
    wait_until(lambda: container.state is ShellState.IDLE, "the prompt")
    spawned(container, "sleep 1000")
    assert "sleep 1000" in container.run("jobs").output
    assert container.run("kill %1; wait %1").status == 128 + 15


def test_a_copy_that_is_made_behind_dev_is_on_one_of_its_devpts(container: Container) -> None:
    fence(container, "mnt", "dev")
    fence(container, "nnp")
    assert terminal_of(container).startswith("/dev/pts/")
    assert container.terminal.path == terminal_of(container)
    assert container.run("test -c $(tty) && test -t 0").status == 0
    assert lead_to_nothing_else(container)


def test_a_terminal_of_the_host_is_taken_again_when_dev_is_peeled(container: Container) -> None:
    fence(container, "pid", "mnt", "dev")
    container.run("a=1")
    container.peel("dev")
    assert Path(terminal_of(container)).is_char_device()
    assert Path(container.terminal.path).stat().st_rdev == container.terminal.device
    assert container.run("echo $a").output == "1\n"


def test_a_bash_with_a_job_stays_on_the_terminal_of_the_job(container: Container) -> None:
    fence(container, "pid", "mnt")
    before = container.terminal
    spawned(container, "sleep 1000")
    fence(container, "dev")
    assert container.terminal is before
    assert "sleep 1000" in container.run("jobs").output


@pytest.mark.parametrize("trap", ["/dev/zero", "/proc/self/status"])
def test_a_file_that_is_mounted_over_the_multiplexer_is_none(
    trap: str, container: Container
) -> None:
    fence(container, "mnt", "dev")
    assert container.run(f"mount --bind {trap} /dev/pts/ptmx").status == 0
    fence(container, "nnp")
    assert container.run("echo here").output == "here\n"
    assert lead_to_nothing_else(container)
