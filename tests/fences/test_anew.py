"""After ``set live off``, and where ptrace is refused: a new bash starts inside the fences."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused
from shellplay.fences import REGISTRY
from shellplay.model import How
from shellplay.playground.playground import Playground
from shellplay.settings import Settings
from tests.fences.conditions import spawned
from tests.fences.host import changed, identities

pytestmark = pytest.mark.everyone
FRESH = "/proc is fresh: it shows the processes inside"


@pytest.fixture
def container() -> Iterator[Container]:
    """A container whose fences go up around a new bash each time."""
    with Playground(Settings(live=False)) as playground:
        yield playground.new("box")


@pytest.mark.parametrize("order", [("pid", "mnt"), ("mnt", "pid")], ids="+".join)
def test_it_is_said_that_proc_is_fresh(order: tuple[str, ...], container: Container) -> None:
    changes = [container.fence(REGISTRY[kind]()) for kind in order]
    assert [each.how for each in changes] == [How.RESPAWNED, How.RESPAWNED]
    assert [FRESH in each.notes for each in changes] == [False, True]
    assert container.run("echo $$; echo /proc/[0-9]*").output == "1\n/proc/1\n"


@pytest.mark.ptrace
def test_live_fences_go_up_and_come_off_around_it_again(container: Container) -> None:
    before = identities(container.pid)
    container.run("a=1")
    for kind in ("user", "pid"):
        assert container.fence(REGISTRY[kind]()).how is How.RESPAWNED
    container.settings.live = True
    for kind in ("mnt", "uts"):
        inside = identities(container.pid)
        container.fence(REGISTRY[kind]())
        assert changed(container.pid, inside) == {kind}
    assert container.run("echo $a").output == "1\n"
    container.peel_all()
    assert changed(container.pid, before) == set()
    assert container.run("echo $a").output == "1\n"


@pytest.mark.ptrace
@pytest.mark.parametrize("order", [("pid", "mnt"), ("mnt", "pid")], ids="+".join)
def test_proc_is_fresh_in_live_fences_inside_one_that_was_not(
    order: tuple[str, ...], container: Container
) -> None:
    # Yama 2: only inside its user fence may an ordinary user trace a bash.
    container.fence(REGISTRY["user"]())
    container.settings.live = True
    changes = [container.fence(REGISTRY[kind]()) for kind in order]
    assert How.RESPAWNED not in [each.how for each in changes]
    assert FRESH in changes[-1].notes
    assert container.run("echo $$; echo /proc/[0-9]*").output == "1\n/proc/1\n"
    container.peel("pid")
    assert container.run("readlink /proc/$$/exe >/dev/null").status == 0


def test_a_filter_that_denies_execveat_lets_bash_start(container: Container) -> None:
    seccomp = REGISTRY["seccomp"].parse({"deny": "execveat"})
    assert container.fence(seccomp).how is How.RESPAWNED
    assert container.run("cat /proc/$$/comm; readlink /proc/$$/exe").output.startswith(
        "bash\n/"
    )


def test_what_an_ordinary_user_has_inside_user_comes_off_first() -> None:
    if os.geteuid() == 0:
        pytest.skip("root needs no user fence")
    with Playground(Settings(live=False)) as playground:
        container = playground.new("box")
        for kind in ("mnt", "pid"):
            container.fence(REGISTRY[kind]())
        before = container.pid
        with pytest.raises(Refused, match=r"mnt, pid stand inside user.*peel pid, first"):
            container.peel("user")
        assert container.pid == before
        container.peel_all()
        assert identities(container.pid) == identities()


def test_proc_comes_off_however_often_a_new_bash_was_started_above_it(
    container: Container,
) -> None:
    container.fence(REGISTRY["proc"]())
    for kind in ("ipc", "nnp"):
        container.fence(REGISTRY[kind]())
        assert container.run("echo $$ /proc/[0-9]*").output == "1 /proc/1\n"
    for kind in ("nnp", "ipc", "proc", "pid"):
        container.peel(kind)
    assert container.run("test -e /proc/$$/fd; echo $?").output == "0\n"
    container.peel_all()


def test_a_job_is_ended_by_force_and_named(container: Container) -> None:
    container.fence(REGISTRY["uts"]())
    job = spawned(container, "sleep 1000")
    with pytest.raises(Refused, match="peel uts would end the job sleep 1000"):
        container.peel("uts")
    change = container.peel("uts", force=True)
    assert not change.woken
    assert change.ended == (f"sleep 1000 ({job.pid})",)
