"""The rlimit fence: what one process may use, changed from outside, and the way back."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.container.fencing import STATE
from shellplay.errors import Refused, TimedOut, UsageError
from shellplay.fences import REGISTRY
from shellplay.fences.rlimit import Rlimit
from shellplay.kernel import procfs, rlimits
from shellplay.kernel.capabilities import has
from shellplay.kernel.rlimits import UNLIMITED, Range
from shellplay.model import How
from shellplay.playground.playground import Playground
from shellplay.shell import terminal
from tests.fences.conditions import spawned
from tests.repl.program import shellplay
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
RECIPE = """\
+++
shellplay = 1
title = "Limits"
+++

```shellplay
play> new box
box: bash started (PID <pid>), nothing fenced yet
in> ulimit -n
<n:int>
```
"""


def hard(name: str) -> int:
    """Return the hard limit that the host has."""
    return (rlimits.limits("self") or {})[name].hard


def may_raise() -> bool:
    """Tell whether we may raise a hard limit again."""
    status = procfs.status("self")
    return status is not None and has(status.effective, "sys_resource")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("64", Range(64, 64)),
        ("64:128", Range(64, 128)),
        ("10M", Range(10 << 20, 10 << 20)),
        ("1k:unlimited", Range(1024, UNLIMITED)),
        ("unlimited", Range(UNLIMITED, UNLIMITED)),
    ],
)
def test_a_limit_is_soft_and_hard(text: str, found: Range) -> None:
    assert Rlimit.parse({"fsize": text}).wanted() == {"fsize": found}


@pytest.mark.parametrize(
    "text", ["x", "1:", ":1", "-1", "1T", "128:64", "²", "9" * 20, "9" * 18 + "G", "9" * 5000]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="fence rlimit"):
        Rlimit.parse({"nofile": text})


def test_bash_keeps_the_files_that_it_needs() -> None:
    with pytest.raises(UsageError, match="bash itself needs 8 open files"):
        Rlimit.parse({"nofile": "7:64"})


def test_with_as_few_as_that_bash_works_on_and_the_fence_comes_off(
    container: Container,
) -> None:
    container.fence(Rlimit(nofile="8"))
    assert container.run("seq 3 | sort -r | head -1").output == "3\n"
    container.peel("rlimit")
    assert container.run("ulimit -n").output != "8\n"


@pytest.mark.ptrace
def test_a_bash_that_does_not_answer_any_more_is_left_by_force(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    if may_raise():
        pytest.skip("who may raise hard limits takes them off from outside")
    before = container.pid
    container.fence(Rlimit(nofile="64"))
    container.run("ulimit -n 3")
    monkeypatch.setattr(terminal, "HIDDEN_TIMEOUT", 1.0)
    with pytest.raises(TimedOut, match="peel rlimit --force leaves what it has"):
        container.peel("rlimit")
    change = container.peel("rlimit", force=True)
    assert (container.pid, change.left) == (before, (STATE,))
    assert container.run("echo goes on").output == "goes on\n"


def test_alone_it_asks_what_is_limited() -> None:
    with pytest.raises(UsageError, match=r"say what is limited \(as in nofile=64\)"):
        Rlimit.parse({})


@pytest.mark.ptrace
def test_a_soft_limit_is_put_on_and_off_the_same_bash(container: Container) -> None:
    before = container.pid
    change = container.fence(Rlimit(nofile=f"64:{hard('nofile')}"))
    assert (change.how, container.pid) == (How.OUTSIDE, before)
    assert container.run("ulimit -n").output == "64\n"
    # It is the soft one that holds, and bash may raise that.
    assert container.run("exec 70</dev/null").output != ""
    assert container.run("(ulimit -n 80; exec 70</dev/null; echo $?)").output == "0\n"
    container.peel("rlimit")
    assert container.pid == before
    assert rlimits.limits(before) == rlimits.limits("self")


@pytest.mark.ptrace
def test_for_a_lower_hard_limit_bash_forks_if_nobody_may_raise_it(container: Container) -> None:
    before = container.pid
    change = container.fence(Rlimit(nofile="64"))
    assert change.how is (How.OUTSIDE if may_raise() else How.FORKED)
    assert "annot modify limit" in container.run("ulimit -n 65").output or os.geteuid() == 0
    container.peel("rlimit")
    assert container.pid == before
    assert rlimits.limits(before) == rlimits.limits("self")


def test_all_that_docker_limits_can_be_limited() -> None:
    words = "core cpu data fsize memlock msgqueue nice nofile nproc rss rtprio rttime"
    names = [*words.split(), "sigpending", "stack"]
    assert [each.name for each in Rlimit.options()] == names == list(rlimits.LINES)
    assert list(rlimits.limits("self") or {}) == names


def test_a_file_grows_no_larger(container: Container) -> None:
    container.fence(Rlimit(fsize="8K"))
    line = "(cd; trap '' XFSZ; head -c 9000 /dev/zero >large; stat -c %s large; rm large)"
    assert "8192\n" in container.run(line).output


def test_children_have_it_and_jobs_of_before_have_not(container: Container) -> None:
    job = spawned(container, "sleep 1000")
    container.fence(Rlimit(core="0:0", nofile="64:128"))
    assert container.run("bash -c 'ulimit -Sn; ulimit -Hn; ulimit -c'").output == "64\n128\n0\n"
    assert job.pid is not None
    assert rlimits.limits(job.pid) == rlimits.limits("self")
    container.peel("rlimit", force=True)


@pytest.mark.ptrace
def test_peeled_it_is_off_the_parked_ones_as_well(container: Container) -> None:
    bash = container.pid
    container.fence(Rlimit(nofile=f"64:{hard('nofile')}"))
    container.fence(REGISTRY["user"]())
    container.peel("rlimit")
    assert container.run("ulimit -n").output != "64\n"
    container.peel("user")
    assert container.pid == bash
    assert container.run("ulimit -n").output != "64\n"


def test_what_differs_from_the_host_is_told(container: Container) -> None:
    change = container.fence(Rlimit(nofile=f"64:{hard('nofile')}", fsize="1M"))
    assert change.state == f"fsize 1048576, nofile 64:{hard('nofile')}"
    record = {each.fence: each for each in container.fences()}["rlimit"]
    assert record.host_state is not None
    assert record.host_state.startswith("fsize unlimited, nofile ")
    assert record.options == {"fsize": "1M", "nofile": f"64:{hard('nofile')}"}


def test_a_hard_limit_is_not_raised_without_the_capability(container: Container) -> None:
    if may_raise():
        pytest.skip("we may raise hard limits")
    before = rlimits.limits(container.pid)
    # The first of the two could be set: it is as it was, too.
    fence = Rlimit(core=str(Range(0, hard("core"))), nofile=str(hard("nofile") + 1))
    with pytest.raises(Refused, match=r"CAP_SYS_RESOURCE over the host's user namespace"):
        container.fence(fence)
    assert rlimits.limits(container.pid) == before
    container.fence(Rlimit(nofile="64"))
    with pytest.raises(Refused, match=r"CAP_SYS_RESOURCE over the host's user namespace"):
        container.limit(Rlimit(nofile="65"))


@pytest.fixture
def few_descriptors(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A lower soft limit than the hard one, of a process that has raised none yet."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr(rlimits, "_original", {})
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1] - 1, before[1]))
    yield before[1] - 1
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_what_we_raise_for_ourselves_nobody_inside_gets(few_descriptors: int) -> None:
    for _ in range(2):
        with Playground() as playground:
            container = playground.new("box")
            assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > few_descriptors
            assert container.run("ulimit -n").output == f"{few_descriptors}\n"
            assert not {each.fence: each for each in container.fences()}["rlimit"].up


def test_nor_does_what_is_started_beside_a_container(
    few_descriptors: int, tmp_path: Path
) -> None:
    file = tmp_path / "limits.play.md"
    file.write_text(RECIPE)
    asked = f"new\n!ulimit -n\nreplay --yes {file}\n"
    done = shellplay("--plain", typed=asked.encode())
    assert done.stdout.split().count(str(few_descriptors)) == 2


def test_after_the_playground_process_was_killed_it_is_the_same(few_descriptors: int) -> None:
    with Playground() as playground:
        playground.new("box")
        assert playground.playground_pid is not None
        os.kill(playground.playground_pid, signal.SIGKILL)
        wait_until(lambda: bool(playground.notices()), "the news of its end")
        container = playground.new("next")
        assert container.run("ulimit -n").output == f"{few_descriptors}\n"
