"""/proc: fresh as soon as pid and mnt stand, and never stale."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.fences.pid import Pid
from tests.fences.host import digest
from tests.repl.program import environment

pytestmark = pytest.mark.everyone
ORDERS = [("pid", "mnt"), ("mnt", "pid"), ("user", "pid", "mnt"), ("pid", "uts", "mnt")]
SEEN = "echo /proc/[0-9]*"


def numbers(container: Container) -> set[int]:
    """Return the PIDs that /proc shows inside, without forking there."""
    words = container.run(SEEN).output.split()
    return {int(word.removeprefix("/proc/")) for word in words}


@pytest.mark.parametrize("order", ORDERS, ids="+".join)
def test_with_pid_and_mnt_in_any_order_proc_shows_what_is_inside(
    order: tuple[str, ...], container: Container
) -> None:
    host = digest()
    notes = [container.fence(REGISTRY[kind]()).notes for kind in order]
    assert "/proc is fresh: it shows the processes inside" in notes[-1]
    assert numbers(container) == {1}
    assert container.run("echo $$; readlink /proc/self/exe >/dev/null").output == "1\n"
    table = container.run("ps -eo pid,comm").output
    assert [row.split() for row in table.splitlines()[1:2]] == [["1", "bash"]]
    assert len(table.splitlines()) == 3
    container.peel_all()
    assert len(numbers(container)) > 3
    assert digest() == host


@pytest.mark.root
def test_without_pid_nobody_says_that_a_fresh_proc_shows_what_is_inside(
    container: Container,
) -> None:
    for kind in ("root", "pid"):
        container.fence(REGISTRY[kind]())
    change = container.peel("pid", force=False)
    assert "/proc is fresh: it shows the processes of the host" in change.notes
    assert len(numbers(container)) > 3


@pytest.mark.parametrize("order", ORDERS[:2], ids="+".join)
def test_without_proc_the_host_is_still_seen(
    order: tuple[str, ...], container: Container
) -> None:
    fences = [Pid(proc=False) if kind == "pid" else REGISTRY[kind]() for kind in order]
    notes = [container.fence(fence).notes for fence in fences]
    assert "ps still lists the processes of the host, because /proc is the host's" in notes[-1]
    assert container.run("echo $$").output == "1\n"
    assert len(numbers(container)) > 3


def test_pid_alone_says_why_ps_still_shows_the_host_and_what_would_help(
    container: Container,
) -> None:
    change = container.fence(Pid())
    assert any("/proc is the host's (next: fence mnt)" in n for n in change.notes)
    assert len(numbers(container)) > 3
    assert not any("ps still lists" in n for n in container.fence(REGISTRY["uts"]()).notes)


@pytest.mark.parametrize("order", ORDERS, ids="+".join)
def test_after_pid_is_peeled_and_mnt_stands_proc_is_not_stale(
    order: tuple[str, ...], container: Container
) -> None:
    for kind in order:
        container.fence(REGISTRY[kind]())
    container.peel("pid")
    assert container.pid in numbers(container)
    assert container.run("readlink /proc/self/ns/pid | cut -d: -f1").output == "pid\n"
    assert container.run("ps -o comm= -p $$").output == "bash\n"


@pytest.mark.parametrize("order", ORDERS[:2], ids="+".join)
def test_after_mnt_is_peeled_proc_is_that_of_the_host(
    order: tuple[str, ...], container: Container
) -> None:
    for kind in order:
        container.fence(REGISTRY[kind]())
    container.peel("mnt")
    assert len(numbers(container)) > 3
    container.fence(REGISTRY["mnt"]())
    assert 1 in numbers(container)


def test_the_second_pid_fence_has_a_proc_of_its_own_again(container: Container) -> None:
    for kind in ("mnt", "pid"):
        container.fence(REGISTRY[kind]())
    for _ in range(3):
        container.peel("pid")
        container.fence(REGISTRY["pid"]())
        assert numbers(container) == {1}
    mounts = container.run("grep -c ' /proc proc ' /proc/mounts").output
    assert mounts in ("1\n", "2\n")


@pytest.mark.root
def test_on_a_host_whose_proc_has_another_over_it_the_proc_fence_stays_on_top() -> None:
    line = "fence pid root proc caps; peel caps; fences; peel proc; peel all"
    done = subprocess.run(
        ["unshare", "-pf", "--mount-proc", sys.executable, "-m", "shellplay", "-c", line],
        capture_output=True, text=True, check=False, env=environment(), timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (row,) = re.findall(r"(?m)^proc .*", done.stdout)
    # Another /proc over it would show what it hides.
    assert "4 hidden, 4 read-only" in row
