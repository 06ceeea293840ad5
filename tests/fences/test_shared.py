"""``join=``: containers that share a namespace, as the containers of a pod do."""

from __future__ import annotations

import os

import pytest

from shellplay.errors import Refused
from shellplay.fences import KINDS, REGISTRY
from shellplay.model import How, ShellState
from shellplay.playground.playground import Playground
from tests.fences.host import identities
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone


@pytest.mark.parametrize("kind", KINDS)
def test_two_containers_share_one_namespace_and_say_so(
    kind: str, playground: Playground
) -> None:
    web, db = playground.new("web"), playground.new("db")
    web.fence(REGISTRY[kind]())
    db.fence(REGISTRY[kind].parse({"join": "web"}))
    assert identities(db.pid)[kind] == identities(web.pid)[kind] != identities()[kind]
    records = {each.fence: each for each in db.fences()}
    assert records[kind].shared_with == ("web",)
    assert records[kind].options == {"join": "web"}
    assert db.run("echo it works; true | cat").output == "it works\n"
    db.peel_all()
    assert identities(db.pid) == identities()
    assert [each.shared_with for each in web.fences() if each.fence == kind] == [()]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "pid"])
def test_a_shared_namespace_stays_when_the_first_container_stops(
    kind: str, playground: Playground
) -> None:
    web, db = playground.new("web"), playground.new("db")
    web.fence(REGISTRY[kind]())
    db.fence(REGISTRY[kind].parse({"join": "web"}))
    shared = identities(db.pid)[kind]
    playground.stop(web)
    assert identities(db.pid)[kind] == shared
    assert db.run("true | cat").status == 0


def test_a_host_name_set_in_one_is_seen_in_the_other(playground: Playground) -> None:
    web, db = playground.new("web"), playground.new("db")
    web.fence(REGISTRY["uts"]())
    db.fence(REGISTRY["uts"].parse({"join": "web"}))
    web.run("hostname pod")
    assert db.run("hostname").output == "pod\n"
    assert os.uname().nodename != "pod"


def test_a_process_of_one_is_seen_and_killed_from_the_other(playground: Playground) -> None:
    web, db = playground.new("web"), playground.new("db")
    web.fence(REGISTRY["pid"]())
    db.fence(REGISTRY["pid"].parse({"join": "web"}))
    job = web.spawn("sleep 1000")
    assert web.inside[-1] == 1
    assert db.inside[-1] > 1
    assert db.run(f"kill {job.inside[-1]}").status == 0
    assert web.run("wait %1").status == 128 + 15


def test_the_loopback_of_a_pod_is_one(playground: Playground) -> None:
    web, db = playground.new("web"), playground.new("db")
    web.fence(REGISTRY["net"]())
    db.fence(REGISTRY["net"].parse({"join": "web"}))
    table = "tail -n +3 /proc/net/dev | cut -d: -f1 | xargs; readlink /proc/self/ns/net"
    assert web.run(table).output == db.run(table).output


def test_when_number_1_of_a_shared_pid_fence_ends_the_other_one_ends_too(
    playground: Playground,
) -> None:
    web, db = playground.new("web"), playground.new("db")
    web.fence(REGISTRY["pid"]())
    change = db.fence(REGISTRY["pid"].parse({"join": "web"}))
    parked = [shell.pid for shell in db.parked]
    web.run("exit")
    if change.how is How.RESPAWNED:
        # Started inside, by an ordinary user: nothing waits outside.
        wait_until(lambda: db.dead, "the other bash to end")
    else:
        wait_until(lambda: db.state is ShellState.ENDED, "the other bash to end")
        db.go_on_outside()
        assert db.run("echo still here; true | cat").output == "still here\n"
        assert db.pid == parked[-1]


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ("nobody", "there is no container 'nobody'"),
        ("db", "has the same uts namespace already"),
    ],
)
def test_what_cannot_be_joined_is_refused_and_nothing_changes(
    other: str, sentence: str, playground: Playground
) -> None:
    playground.new("web")
    db = playground.new("db")
    before = identities(db.pid)
    with pytest.raises(Refused, match=sentence):
        db.fence(REGISTRY["uts"].parse({"join": other}))
    assert identities(db.pid) == before
