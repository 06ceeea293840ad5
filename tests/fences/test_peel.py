"""Peeling a fence that forked: what comes along, what does not, and what is asked first."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.container.fencing import STATE
from shellplay.errors import Refused, TimedOut
from shellplay.fences import KINDS, REGISTRY
from shellplay.kernel import procfs
from shellplay.kernel.process_tree import runs
from shellplay.model import How, ShellState
from shellplay.playground.playground import Playground
from shellplay.shell import terminal
from tests.fences.belongings import expected, pack, shown
from tests.fences.conditions import printed, spawned
from tests.fences.host import changed, identities
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
FORKING = ["user", "pid"]


def fence(container: Container, *kinds: str) -> None:
    """Put fences up, in order."""
    for kind in kinds:
        container.fence(REGISTRY[kind]())


def sleepers(container: Container) -> list[str]:
    """Return the arguments of each sleep(1) of a container, none while setsid(1) still runs."""
    words = [procfs.arguments(pid) or () for pid in container.members()]
    if any(each[:1] == ("setsid",) for each in words):
        return []
    return [each[1] for each in words if each[:1] == ("sleep",)]


def up(container: Container) -> list[str]:
    """Return the kinds that stand, in the order of KINDS."""
    return [each.fence for each in container.fences() if each.up]


@pytest.mark.parametrize("kind", FORKING)
def test_what_was_made_inside_comes_along(
    kind: str, container: Container, tmp_path: Path
) -> None:
    fence(container, kind)
    pack(container, tmp_path)
    container.type(b"echo half")
    wait_until(lambda: "".join(container.logs().split()).endswith("echohalf"), "the keys")
    change = container.peel(kind, code=True)
    told = ", ".join(change.carried)
    for word in ("variable", "function", "alias", "option", "trap", "umask", "history",
                 "working directory", "half-typed line"):  # fmt: skip
        assert word in told
    container.type(b"-typed\r")
    wait_until(printed(container, "half-typed"), "the line")
    wait_until(lambda: container.state is ShellState.IDLE, "the prompt")
    assert shown(container) == expected(tmp_path)


@pytest.mark.parametrize("kind", FORKING)
def test_what_was_changed_or_removed_inside_is_so_outside(
    kind: str, container: Container
) -> None:
    container.run("a=1 b=2; f() { echo old; }; alias x=y; trap : USR1; set -C")
    container.run("shopt -s dotglob")
    fence(container, kind)
    container.run("a=3; unset b; f() { echo new; }; unalias x; trap - USR1; set +C")
    container.run("shopt -u dotglob")
    container.peel_all(code=True)
    assert container.run("echo $a ${b-gone}; f; alias; trap -p USR1").output == "3 gone\nnew\n"
    assert container.run("shopt dotglob").output.split() == ["dotglob", "off"]
    assert "C" not in container.run("echo $-").output


@pytest.mark.parametrize(
    "line",
    ["set -u", "set -e", "set -f", "set -x", "set -v", "set -o posix", "set -k", "set -C",
     "IFS=x", "shopt -s extdebug", "shopt -s xpg_echo", "LC_ALL=C", "trap : DEBUG",
     "trap 'echo failed' ERR", "HISTTIMEFORMAT=%s", "PATH=/none", "shopt -u expand_aliases",
     "alias printf=false eval=false declare=false", "printf() { :; }", "unset OLDPWD PS0",
     "history() { :; }", "PROMPT_COMMAND=", "PS1='$ '", "set -o vi"],
)  # fmt: skip
def test_state_comes_along_whatever_bash_was_told(line: str, container: Container) -> None:
    fence(container, "user")
    container.run("a='as  before'")
    container.run(line)
    assert container.run("b=2; builtin echo $b").output.endswith("2\n") or line == "set -v"
    container.peel("user")
    assert "[as  before2]\n" in container.run('builtin echo "[$a$b]"').output
    assert container.state is ShellState.IDLE


@pytest.mark.parametrize("kind", FORKING)
def test_a_job_inside_is_not_ended_without_being_asked(kind: str, container: Container) -> None:
    fence(container, kind)
    job = spawned(container, "sleep 1000")
    before = identities(container.pid)
    with pytest.raises(Refused, match=rf"would end the job sleep 1000 \({job.pid}\)") as error:
        container.peel(kind)
    assert error.value.fix == f"wait for it, or peel {kind} --force"
    assert identities(container.pid) == before
    assert "Running" in container.run("jobs").output
    change = container.peel(kind, force=True)
    assert change.ended == (f"sleep 1000 ({job.pid})",)
    pid = job.pid
    assert pid is not None
    # The monitor reaps the job; a peel does not wait for that.
    wait_until(lambda: procfs.status(pid) is None, "the end of the job")


@pytest.mark.parametrize("kind", FORKING)
def test_an_open_file_that_does_not_come_along_is_listed(
    kind: str, container: Container, tmp_path: Path
) -> None:
    fence(container, kind)
    container.run(f"exec 7>{tmp_path}/open")
    assert container.peel(kind).left == (f"fd 7 ({tmp_path}/open)",)


@pytest.mark.parametrize("kind", FORKING)
def test_a_file_that_was_open_before_the_fence_is_not_left_behind(
    kind: str, container: Container, tmp_path: Path
) -> None:
    container.run(f"exec 7>{tmp_path}/open 8>{tmp_path}/before")
    fence(container, kind)
    container.run(f"exec 8>{tmp_path}/inside")
    assert container.peel(kind).left == (f"fd 8 ({tmp_path}/inside)",)
    assert container.run("echo still open >&7").status == 0


@pytest.mark.parametrize("kind", FORKING)
def test_exit_inside_says_which_bash_waits_outside(kind: str, playground: Playground) -> None:
    container = playground.new("box")
    container.run("kept=yes")
    fence(container, kind)
    inside, outside = identities(container.pid), container.parked[-1].pid
    container.run("exit 3")
    assert playground.notices() == [
        f"box: the bash inside {kind} has ended (3), and bash {outside} waits outside; "
        "peel goes on with that"
    ]
    stat = procfs.stat(outside)
    assert stat is not None
    assert stat.state == "T"
    assert container.ended == (kind,)
    container.go_on_outside()
    assert container.pid == outside
    assert list(container.ended) == []
    assert changed(outside, inside) == {kind}
    assert container.run("echo $kept").output == "yes\n"
    assert playground.notices() == []


@pytest.mark.parametrize("kind", FORKING)
def test_a_bash_that_is_killed_inside_leaves_the_one_outside_waiting(
    kind: str, playground: Playground
) -> None:
    container = playground.new("box")
    fence(container, kind)
    outside = container.parked[-1].pid
    container.type(b"half")
    container.kill(str(container.pid), 9)
    wait_until(lambda: container.state is ShellState.ENDED, "its end")
    assert kind not in up(container)
    wait_until(playground.notices, "the notice")
    container.go_on_outside()
    assert container.pid == outside
    assert container.run("echo it goes on").output == "it goes on\n"


def test_what_the_ended_bash_has_left_running_is_not_ended_without_being_asked(
    container: Container,
) -> None:
    fence(container, "nnp")
    inside = container.pid
    container.run("sleep 1000 & setsid sleep 1001 & exit")
    wait_until(lambda: sleepers(container) == ["1000", "1001"], "the jobs")
    with pytest.raises(Refused, match=r"would end . jobs: sleep 1000 .*sleep 1001"):
        container.go_on_outside()
    assert container.pid == inside
    orphans = container.members()
    container.go_on_outside(force=True)
    assert [pid for pid in orphans if pid != container.pid and runs(pid)] == []
    assert container.run("echo here").output == "here\n"


def test_an_orphan_that_has_left_the_session_is_not_ended_without_being_asked(
    container: Container,
) -> None:
    own = spawned(container, "sleep 999").pid
    fence(container, "nnp")
    container.run("(setsid sleep 1000 &)")
    wait_until(lambda: sleepers(container) == ["999", "1000"], "the orphan")
    with pytest.raises(Refused, match=r"peel nnp would end the job sleep 1000 \(\d+\)"):
        container.peel("nnp")
    change = container.peel("nnp", force=True)
    (ended,) = change.ended
    assert ended.startswith("sleep 1000 (")
    assert not runs(int(ended.split("(")[1][:-1]))
    assert own is not None
    assert runs(own)


def test_peel_all_takes_everything_off_from_the_last_to_the_first(
    container: Container,
) -> None:
    before, first = container.pid, identities(container.pid)
    container.run("a=1")
    fence(container, "user", "net", "pid", "uts", "mnt", "cgroup", "ipc", "time")
    assert up(container) == list(KINDS)
    container.run("a=2")
    assert sorted(each.fence for each in container.peel_all()) == sorted(KINDS)
    assert (container.pid, identities(container.pid)) == (before, first)
    assert container.run("echo $a").output == "2\n"


def test_peel_all_with_nothing_up_does_nothing(container: Container) -> None:
    assert container.peel_all() == []


def test_a_fence_in_the_middle_comes_off_and_those_above_stay_in_their_namespaces(
    container: Container,
) -> None:
    fence(container, "user", "pid", "uts", "net")
    container.run("hostname kept; a=1")
    inside = identities(container.pid)
    change = container.peel("pid")
    assert changed(container.pid, inside) == {"pid"}
    assert change.how is How.FORKED
    assert container.run("hostname; echo $a").output == "kept\n1\n"
    assert up(container) == ["user", "uts", "net"]
    container.peel_all()
    assert identities(container.pid) == identities()


def test_user_cannot_come_off_below_fences_that_an_ordinary_user_needs_it_for(
    container: Container,
) -> None:
    fence(container, "user", "uts", "net")
    inside = identities(container.pid)
    if os.geteuid() == 0:
        container.peel("user")
        assert changed(container.pid, inside) == {"user"}
    else:
        with pytest.raises(Refused, match="uts, net stand inside user: without it bash"):
            container.peel("user")
        assert identities(container.pid) == inside
        container.peel("net")
        container.peel("uts")
        container.peel("user")
        assert identities(container.pid) == identities()


def test_fences_go_up_again_after_they_came_off(container: Container) -> None:
    for _ in range(10):
        fence(container, "user", "pid", "mnt")
        assert container.run("echo $$").output == "1\n"
        container.peel_all()
    assert container.parked == []
    assert identities(container.pid) == identities()


@pytest.mark.ptrace
def test_what_was_asked_of_a_bash_that_is_stopped_is_asked_of_no_other(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = container.pid
    container.fence(REGISTRY["nnp"]())
    os.kill(container.pid, signal.SIGSTOP)
    monkeypatch.setattr(terminal, "HIDDEN_TIMEOUT", 1.0)
    with pytest.raises(TimedOut, match="peel nnp --force leaves what it has"):
        container.peel("nnp")
    change = container.peel("nnp", force=True)
    assert (container.pid, change.left, change.woken) == (before, (STATE,), True)
    assert container.run("echo goes on").output == "goes on\n"
