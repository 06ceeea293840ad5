"""The terminal of ``run -t``: it is one of the container's own, and takes none outside."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.program.conftest import Run

pytestmark = pytest.mark.everyone
PROGRAM = [sys.executable, "-m", "shellplay", "run", "--rm", "--network", "none"]


def ran(*words: str) -> tuple[int, list[str]]:
    """Run without a terminal outside; return the status and the lines."""
    done = subprocess.run(
        [*PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False,
        timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout.decode().split("\r\n")


@pytest.mark.parametrize("options", [[], ["--init"]])
def test_a_terminal_takes_none_outside_and_has_a_name_inside(options: list[str]) -> None:
    script = "tty; stat -c '%u %a %t:%T' $(tty) /dev/console; ps -o tty= -p $$; exit 5"
    status, lines = ran("-t", *options, "host", "sh", "-c", script)
    assert (status, lines) == (5, ["/dev/pts/0", *["0 620 88:0"] * 2, "pts/0", ""])


@pytest.mark.root
@pytest.mark.parametrize(("user", "owner"), [("0", "0:5"), ("1000", "1000:5")])
def test_it_is_of_its_user_and_of_the_group_of_terminals(user: str, owner: str) -> None:
    status, lines = ran(
        "-t", "-u", user, "host", "sh", "-c", "stat -c %u:%g /dev/pts/0; echo x > $(tty)"
    )
    assert (status, lines) == (0, [owner, "x", ""])


def test_all_output_comes_and_the_size_is_set() -> None:
    status, lines = ran("-t", "host", "sh", "-c", "stty size; seq 20000")
    assert status == 0
    assert lines == ["24 80", *map(str, range(1, 20001)), ""]


def test_a_program_that_closes_its_terminal_is_waited_for() -> None:
    script = "echo seen; exec </dev/null >/dev/null 2>&1; sleep 0.5; exit 3"
    assert ran("-t", "host", "sh", "-c", script) == (3, ["seen", ""])


def test_keys_take_a_terminal() -> None:
    done = subprocess.run(
        [*PROGRAM, "-it", "host", "true"], stdin=subprocess.DEVNULL, capture_output=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 125
    assert b"the input is not a terminal, which -i hands to the one of -t" in done.stderr


def test_without_keys_it_is_shown_where_no_terminal_is_to_be_handed_over(run: Run) -> None:
    said = run("run -qt --network none host sh -c 'tty; exit 4'")
    assert (said.printed, "exit status 4" in said.told) == ("/dev/pts/0\n", True)
    waits = run("run -qit --network none --name kept host cat")
    assert "it runs in the background" in waits.told


def test_the_terminals_of_two_containers_are_two(run: Run) -> None:
    for _ in range(2):
        assert run("run -qt --network none host tty").printed == "/dev/pts/0\n"
