"""exec: the options of docker exec."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shellplay.playground.playground import Playground
from tests.program.conftest import Run
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
PROGRAM = [sys.executable, "-m", "shellplay"]


@pytest.fixture
def web(run: Run, busybox: str) -> Run:
    """A container that runs, with variables and a directory of its own."""
    done = run(f"run -dq --name web --network none -e A=own -w /tmp {busybox} sleep 1000")
    assert done.status == 0, done.told
    return run


def test_variables_are_added_to_those_of_the_container(web: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("B=file\nC=file\n")
    said = web(
        f"exec --env-file {tmp_path}/file -e C=given -eD=1 -e=E=2 sh -c 'echo $A $B $C $D $E'"
    )
    assert said.printed == "own file given 1 2\n"
    assert web("exec -e A=other sh -c 'echo $A $PATH'").printed.startswith("other /usr/local")
    assert web("exec sh -c 'echo $A'").printed == "own\n"


def test_the_directory_is_that_of_the_container_or_another(web: Run) -> None:
    assert web("exec pwd").printed == "/tmp\n"
    assert web("exec -w /etc pwd").printed == "/etc\n"
    assert web("exec --workdir=/etc/. pwd").printed == "/etc\n"
    assert "-w etc is not an absolute path" in web("exec -w etc pwd").told
    refused = web("exec -w /nowhere pwd")
    assert (refused.status, "/nowhere inside: No such file" in refused.told) == (1, True)


@pytest.mark.root
@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ("web", "1000 1001 1001 77 /home/w"),
        ("1000", "1000 1001 1001 77 /home/w"),
        ("web:extra", "1000 77 77 /home/w"),
        ("4000:5000", "4000 5000 5000 /"),
    ],
)
def test_the_user_is_another_with_its_groups_and_home(web: Run, user: str, shown: str) -> None:
    said = web(f"exec -u {user} sh -c 'echo $(id -u) $(id -g) $(id -G) $HOME'")
    assert said.printed == f"{shown}\n"


@pytest.mark.root
def test_another_user_has_no_capabilities(web: Run) -> None:
    lines = web("exec -u 1000 cat /proc/self/status").printed.splitlines()
    found = dict(line.split(":\t") for line in lines if line.startswith("Cap"))
    assert int(found["CapEff"], 16) == int(found["CapPrm"], 16) == 0
    bounding = web("exec cat /proc/self/status").printed
    assert f"CapBnd:\t{found['CapBnd']}" in bounding


def test_a_user_that_there_is_not_is_refused(web: Run) -> None:
    refused = web("exec -u nobody-like-that true")
    assert (refused.status, "no user nobody-like-that" in refused.told) == (1, True)


def test_one_in_the_background_is_not_waited_for(
    web: Run, playground: Playground, tmp_path: Path
) -> None:
    said = web("exec -d sh -c 'echo seen > /tmp/mark; sleep 1000'")
    assert (said.status, "sh runs in the background" in said.told) == (0, True)
    wait_until(lambda: web("exec cat /tmp/mark").printed == "seen\n", "its file")
    assert "sleep 1000" in "".join(each.command for each in playground.snapshot().processes)


@pytest.mark.parametrize("spelled", ["-i", "--interactive"])
def test_its_input_may_be_a_pipe(spelled: str) -> None:
    done = subprocess.run(
        [*PROGRAM, "-c", f"new web; exec {spelled} sh -c 'wc -c; exit 3'"],
        input=b"x" * 1_000_000, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert b"1000000\n" in done.stdout
    assert b"exit status 3" in done.stderr


def test_without_i_it_has_no_input() -> None:
    done = subprocess.run(
        [*PROGRAM, "-c", "new web; exec cat; ! cat"],
        input=b"typed", capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.count(b"typed") <= 1


def test_run_reads_a_pipe_as_well() -> None:
    done = subprocess.run(
        [*PROGRAM, "-c", "run -iq --network none host cat"],
        input=b"piped", capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert b"piped" in done.stdout


@pytest.mark.parametrize("spelled", ["-t", "-it", "-ti", "-i -t", "--tty"])
def test_a_terminal_is_one_of_the_container(web: Run, spelled: str) -> None:
    said = web(f"exec {spelled} sh -c '[ -t 0 ] && [ -t 1 ] && ls /dev/pts; exit 4'")
    assert (said.printed.split(), "exit status 4" in said.told) == (["0", "ptmx"], True)


def test_letters_may_stand_together_with_a_value_last(web: Run) -> None:
    assert web("exec -iw /etc pwd").printed == "/etc\n"
    assert web("exec -iw/etc pwd").printed == "/etc\n"
    assert 'exec has no option "-ix"' in web("exec -ix true").told


def test_the_program_has_options_of_its_own(web: Run) -> None:
    assert web("exec sh -c 'echo $0' -it").printed == "-it\n"
    assert web("exec -- sh -c 'echo $0' -w").printed == "-w\n"
