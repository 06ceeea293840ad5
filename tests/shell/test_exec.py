"""``exec``: a program beside the live bash, inside every fence."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import KernelError
from shellplay.fences import KINDS, REGISTRY
from shellplay.kernel import procfs
from shellplay.kernel.call_log import Journal
from tests.fences.host import identities

pytestmark = pytest.mark.everyone
Capture = pytest.CaptureFixture[str]
LINKS = [
    "sh",
    "-c",
    "for k in user mnt uts ipc net pid cgroup time; do readlink /proc/self/ns/$k; done",
]


@pytest.mark.parametrize("status", [0, 1, 7, 126, 127, 255])
def test_the_exit_status_is_passed_on(status: int, container: Container) -> None:
    assert container.exec(["sh", "-c", f"exit {status}"], terminal=False) == status


@pytest.mark.parametrize("number", [1, 9, 15])
def test_an_end_by_signal_n_is_128_plus_n(number: int, container: Container) -> None:
    words = ["sh", "-c", f"kill -{number} $$"]
    assert container.exec(words, terminal=False) == 128 + number


def test_its_output_is_ours(container: Container, capfd: Capture) -> None:
    assert container.exec(["sh", "-c", "echo out; echo err >&2"], terminal=False) == 0
    assert capfd.readouterr().out == "out\nerr\n"


def test_much_output_comes_whole(container: Container, capfd: Capture) -> None:
    assert container.exec(["seq", "1", "100000"], terminal=False) == 0
    assert capfd.readouterr().out == "".join(f"{n}\n" for n in range(1, 100001))


@pytest.mark.parametrize("kinds", [(), *((kind,) for kind in KINDS), KINDS], ids="+".join)
def test_it_is_inside_every_fence(
    kinds: tuple[str, ...], container: Container, capfd: Capture
) -> None:
    for kind in kinds:
        container.fence(REGISTRY[kind]())
    assert container.exec(LINKS, terminal=False) == 0
    wanted = identities(container.pid)
    assert capfd.readouterr().out.split() == [str(wanted[kind]) for kind in KINDS]


def test_it_starts_where_bash_is_and_with_its_user(
    container: Container, capfd: Capture, tmp_path: Path
) -> None:
    for kind in ("user", "mnt"):
        container.fence(REGISTRY[kind]())
    container.run(f"cd {tmp_path}")
    assert container.exec(["sh", "-c", "pwd; id -u"], terminal=False) == 0
    assert capfd.readouterr().out == f"{tmp_path}\n0\n"


@pytest.mark.parametrize("kinds", [(), ("user", "mnt")], ids=["bare", "fenced"])
def test_it_starts_in_a_directory_that_has_no_path_any_more(
    kinds: tuple[str, ...], container: Container, capfd: Capture, tmp_path: Path
) -> None:
    container.run(f"mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir {tmp_path}/gone")
    for kind in kinds:
        container.fence(REGISTRY[kind]())
    assert container.exec(["readlink", "/proc/self/cwd"], terminal=False) == 0
    assert capfd.readouterr().out == f"{tmp_path}/gone (deleted)\n"


def test_the_fork_that_brings_it_behind_a_pid_fence_is_a_call_too(
    container: Container,
) -> None:
    container.fence(REGISTRY["pid"]())
    with Journal().recording() as book:
        assert container.exec(["true"], terminal=False) == 0
    calls = {call.name: call for call in book.calls()}
    assert calls["clone"].pid == calls["setns"].pid
    assert calls["clone"].result == calls["execve"].pid


def test_with_pid_and_mnt_it_sees_bash_as_number_1(
    container: Container, capfd: Capture
) -> None:
    for kind in ("user", "pid", "mnt"):
        container.fence(REGISTRY[kind]())
    assert container.exec(["ps", "-eo", "pid=,comm="], terminal=False) == 0
    rows = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert rows[0] == ["1", "bash"]
    assert rows[1][1] == "ps"


def test_it_works_while_bash_is_busy(container: Container, capfd: Capture) -> None:
    container.fence(REGISTRY["uts"]())
    container.type(b"sleep 1000\r")
    assert container.exec(["echo", "beside"], terminal=False) == 0
    assert capfd.readouterr().out == "beside\n"


def test_a_program_that_is_not_there_is_named(container: Container) -> None:
    container.fence(REGISTRY["uts"]())
    with pytest.raises(KernelError, match=r"execve \(/no/such/program\): ENOENT"):
        container.exec(["/no/such/program"], terminal=False)
    with pytest.raises(KernelError, match="EACCES"):
        container.exec(["/etc/passwd"], terminal=False)
    assert container.run("echo here").output == "here\n"


@pytest.mark.parametrize("kinds", [(), ("user", "mnt", "pid", "net")], ids=["bare", "fenced"])
def test_no_descriptor_but_the_standard_ones_gets_inside(
    kinds: tuple[str, ...], container: Container, capfd: Capture
) -> None:
    for kind in kinds:
        container.fence(REGISTRY[kind]())
    own, foreign = os.pipe()
    try:
        assert container.exec(["sh", "-c", "ls -l /proc/$$/fd"], terminal=False) == 0
    finally:
        os.close(own)
        os.close(foreign)
    assert re.findall(r" (\d+) -> ", capfd.readouterr().out) == ["0", "1", "2"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_descriptor_is_left_in_bash_by_a_fence_or_a_peel(
    kind: str, container: Container
) -> None:
    own = set(procfs.fds(container.pid))
    assert own <= {0, 1, 2, 255}
    for _ in range(3):
        container.fence(REGISTRY[kind]())
        assert set(procfs.fds(container.pid)) == own
        container.run("true | true")
        assert set(procfs.fds(container.pid)) == own
        container.peel_all()
        assert set(procfs.fds(container.pid)) == own


def test_joining_another_container_leaves_no_descriptor_either(container: Container) -> None:
    job = container.run("ls /proc/$$/fd")
    assert set(job.output.split()) == {"0", "1", "2", "255"}


def test_bash_has_no_variable_of_ours_in_its_environment(container: Container) -> None:
    of_bash = {"OLDPWD", "PWD", "SHLVL", "TERM", "_"}
    names = set(container.run("compgen -e").output.split())
    assert names - of_bash <= set(os.environ)


def test_nothing_of_ours_is_mapped_or_left_in_the_memory_of_bash(
    container: Container,
) -> None:
    maps = Path(f"/proc/{container.pid}/maps")
    before = len(maps.read_text().splitlines())
    for _ in range(5):
        container.fence(REGISTRY["user"]())
        container.fence(REGISTRY["uts"].parse({"hostname": "somewhere"}))
        container.peel_all()
    assert len(maps.read_text().splitlines()) <= before + 2
