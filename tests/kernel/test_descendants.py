"""Every descendant is found and ended, also those that go on forking or have moved away."""

from __future__ import annotations

import pytest

from shellplay.kernel import procfs
from shellplay.kernel.process_tree import descendants, kill_quietly, running
from tests.kernel.children import Start, read_line, say, state
from tests.waiting import wait_until

# A program of its own: it reaps every child, and pytest has some that are none of its.
ENDER = """
import os, subprocess, sys
from shellplay.kernel.here import HERE
from shellplay.kernel.constants import PR_SET_CHILD_SUBREAPER
from shellplay.kernel.process_tree import descendants, end_descendants
HERE.prctl(PR_SET_CHILD_SUBREAPER, 1)
os.write(1, b"ready\\n")
shell = subprocess.Popen(["sh", "-c", sys.argv[1]], stdin=subprocess.DEVNULL)
os.read(0, 1)
end_descendants(os.getpid())
print(descendants(os.getpid()), flush=True)
os._exit(0)
"""
TREE = "sleep 1000 & sh -c 'sleep 1001 & echo up; wait' & wait"
KINDS = {
    "a tree": TREE,
    "who ignores polite signals": "trap '' TERM INT HUP; echo up; while :; do sleep 1; done",
    "who is stopped": "echo up; kill -STOP $$; :",
    "a session of its own": "setsid sh -c 'sleep 1000 & echo up; wait' & exit",
    "an orphan": "(sleep 1000 & echo up) & exit",
    "who forks all the time": "echo up; while :; do sleep 0.01 & sleep 0.01; done",
}


def test_descendants_are_named_parents_first(start: Start) -> None:
    child = start("sh", "-c", TREE)
    assert read_line(child) == "up"
    found = wait_until(lambda: len(all_ := descendants(child.pid)) == 3 and all_)
    assert found
    parents = [stat.ppid for pid in found if (stat := procfs.stat(pid))]
    assert all(parent in [child.pid, *found[:n]] for n, parent in enumerate(parents))
    assert sorted(running(child.pid)) == sorted(found)
    for pid in reversed(found):
        kill_quietly(pid)
    assert child.wait() == 0


def test_who_has_ended_is_a_descendant_but_does_not_run(start: Start) -> None:
    child = start("sh", "-c", "sleep 0 & echo $!; kill -STOP $$")
    zombie = int(read_line(child))
    wait_until(lambda: state(zombie) == "Z", "the zombie")
    assert descendants(child.pid) == [zombie]
    assert running(child.pid) == []


def test_a_process_without_children_and_nobody_have_no_descendants(start: Start) -> None:
    child = start("true")
    child.wait()
    assert descendants(child.pid) == []
    kill_quietly(child.pid)


@pytest.mark.everyone
@pytest.mark.parametrize("kind", KINDS)
def test_all_are_ended(start: Start, kind: str) -> None:
    ender = start(ENDER, KINDS[kind])
    assert read_line(ender) == "up"
    say(ender, b"\n")
    assert read_line(ender) == "[]"
    assert ender.wait() == 0


@pytest.mark.userns
def test_to_kill_whom_we_may_not_kill_is_no_error() -> None:
    kill_quietly(1)
    assert state(1) not in (None, "Z")
