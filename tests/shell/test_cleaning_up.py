"""Nothing is left, however a playground ends; the leftovers check of every test looks."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from shellplay.errors import ShellGone
from shellplay.fences import REGISTRY
from shellplay.playground.playground import Playground
from tests.shell.surviving import program
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone

# What people leave running: each line starts processes that try to outlive their shell.
LINGERERS = {
    "nothing": "true",
    "a job": "sleep 1000 &",
    "one that ignores hangup":
        "(trap '' HUP TERM INT; sleep 1000) & nohup sleep 1001 &>/dev/null &",
    "one with a session of its own": "setsid sleep 1000 </dev/null &>/dev/null & disown -a",
    "a daemon": "(setsid sh -c '(sleep 1000 &) &' &) ; sleep 0",
    "one without an environment": "env -i setsid -f sleep 1000 </dev/null &>/dev/null",
    "a stopped one": "sleep 1000 & kill -STOP $!",
    "one that goes on forking":
        "(while :; do setsid sh -c 'sleep 0.01; sleep 1000' & sleep 0.02; done) &>/dev/null &",
    "a mount": "mount -t tmpfs left-behind /mnt; cd /mnt; sleep 1000 &",
}  # fmt: skip


@pytest.mark.parametrize("lingerer", LINGERERS)
@pytest.mark.parametrize("kinds", ["", "user,mnt,pid"])
def test_closing_ends_everything(lingerer: str, kinds: str, playground: Playground) -> None:
    container = playground.new("box")
    for kind in kinds.split(",") if kinds else ():
        container.fence(REGISTRY[kind]())
    if lingerer != "a mount" or kinds:
        container.run(LINGERERS[lingerer])
    playground.close()
    assert playground.containers == []


@pytest.mark.parametrize("lingerer", LINGERERS)
@pytest.mark.parametrize("kinds", ["", "user,mnt,pid"])
def test_after_kill_9_of_the_repl_nothing_is_left(lingerer: str, kinds: str) -> None:
    line = LINGERERS[lingerer] if lingerer != "a mount" or kinds else "true"
    with program(kinds, line) as running:
        os.kill(running.repl, signal.SIGKILL)


@pytest.mark.parametrize("victim", ["repl", "playground"])
def test_after_kill_9_the_files_of_a_root_are_gone_too(victim: str) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    with program("root,proc,sys,dev", "echo x >/written-inside; sleep 1000 &") as running:
        os.kill(getattr(running, victim), signal.SIGKILL)
    assert Path("/proc/self/mountinfo").read_text() == before
    assert not Path("/written-inside").exists()


@pytest.mark.parametrize("lingerer", LINGERERS)
def test_after_kill_9_of_the_playground_process_nothing_is_left(lingerer: str) -> None:
    line = LINGERERS[lingerer] if lingerer != "a mount" else "true"
    with program("", line) as running:
        os.kill(running.playground, signal.SIGKILL)
        wait_until(lambda: not running.bash_runs, "the end of bash")
    assert running.process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["TERM", "HUP"])
def test_the_playground_process_ends_everything_when_told_to_end(
    number: signal.Signals,
) -> None:
    with program("user,pid", LINGERERS["one with a session of its own"]) as running:
        os.kill(running.playground, number)
        wait_until(lambda: not running.bash_runs, "the end of bash")
    assert running.process.returncode == 0


def test_interrupt_keys_of_the_terminal_do_not_end_the_playground_process(
    playground: Playground,
) -> None:
    container = playground.new()
    assert playground.playground_pid is not None
    os.kill(playground.playground_pid, signal.SIGINT)
    assert container.run("echo still here").output == "still here\n"


@pytest.mark.parametrize("lingerer", LINGERERS)
def test_after_kill_9_of_both_at_once_nothing_in_a_pid_fence_is_left(lingerer: str) -> None:
    with program("user,mnt,pid", LINGERERS[lingerer]) as running:
        os.kill(running.playground, signal.SIGSTOP)
        os.kill(running.repl, signal.SIGKILL)
        os.kill(running.playground, signal.SIGKILL)


def test_after_kill_9_of_both_at_once_no_bash_is_left() -> None:
    with program("uts" if os.geteuid() == 0 else "user", "true") as running:
        os.kill(running.playground, signal.SIGSTOP)
        os.kill(running.repl, signal.SIGKILL)
        os.kill(running.playground, signal.SIGKILL)


def test_after_kill_9_of_both_at_once_not_even_a_bash_is_left_that_hangup_does_not_end() -> (
    None
):
    with program("", "trap 'while :; do :; done' HUP") as running:
        os.kill(running.playground, signal.SIGSTOP)
        os.kill(running.repl, signal.SIGKILL)
        os.kill(running.playground, signal.SIGKILL)


def test_when_the_playground_process_is_killed_it_is_said_and_a_new_one_can_start(
    playground: Playground,
) -> None:
    container = playground.new("box")
    assert playground.playground_pid is not None
    os.kill(playground.playground_pid, signal.SIGKILL)
    said = "the playground process has ended, and every container with it"
    wait_until(lambda: said in playground.notices(), "the notice")
    wait_until(lambda: container.state == "dead", "the end of bash")
    with pytest.raises(ShellGone, match="bash in box has exited"):
        container.run("true")
    assert playground.new("again").run("echo here").output == "here\n"


def test_closing_twice_and_without_containers_is_fine() -> None:
    playground = Playground()
    playground.close()
    playground.new()
    playground.close()
    playground.close()
    assert playground.playground_pid is None


def test_a_stopped_container_leaves_its_neighbour_alone(playground: Playground) -> None:
    web, db = playground.new("web"), playground.new("db")
    web.run(LINGERERS["a daemon"])
    job = db.spawn("sleep 1000")
    playground.stop(web)
    assert playground.containers == [db]
    assert playground.current is db
    assert db.run("echo here").output == "here\n"
    assert [each.pid for each in db.jobs()] == [job.pid]


def test_an_exception_in_the_block_closes_the_playground() -> None:
    playground = Playground()

    def fail() -> None:
        with playground:
            playground.new().spawn("sleep 1000")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert playground.containers == []
