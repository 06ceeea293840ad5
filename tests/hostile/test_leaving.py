"""What has left its bash is found, also where a bash was started anew; nothing else is left."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused
from shellplay.fences import REGISTRY
from shellplay.kernel import procfs
from shellplay.kernel.process_tree import running
from shellplay.playground.playground import Playground
from shellplay.settings import Settings
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
KINDS = pytest.mark.parametrize("kind", ["caps", "user"])
# Docker's fences, without a way out of the network.
DOCKERS = ("mnt", "uts", "ipc", "net", "pid", "root", "proc", "sys", "dev", "seccomp", "caps")


@pytest.fixture(params=[True, False], ids=["forked", "anew"])
def box(request: pytest.FixtureRequest) -> Iterator[tuple[Playground, Container]]:
    """A container whose bashes fork, or are started anew (``set live off``)."""
    with Playground(Settings(live=request.param)) as playground:
        yield playground, playground.new("box")


def leave(container: Container) -> Callable[[], bool]:
    """Start a process that leaves its session and parent; return what tells if it runs."""
    container.run("(setsid sleep 1000 &)")
    monitor = container.monitor.pid

    def runs() -> bool:
        return ("sleep", "1000") in map(procfs.arguments, running(monitor))

    wait_until(runs, "the program")
    return runs


@KINDS
def test_a_peel_names_and_ends_what_has_left_the_session(
    kind: str, box: tuple[Playground, Container]
) -> None:
    _, container = box
    container.fence(REGISTRY[kind]())
    runs = leave(container)
    with pytest.raises(Refused, match=rf"peel {kind} would end the job sleep 1000 \(\d+\)"):
        container.peel(kind)
    assert runs()
    container.peel(kind, force=True)
    assert not runs()
    assert container.run("echo here").output == "here\n"


@KINDS
def test_a_stop_ends_what_has_left_the_session(
    kind: str, box: tuple[Playground, Container]
) -> None:
    playground, container = box
    container.fence(REGISTRY[kind]())
    runs = leave(container)
    playground.stop(container)
    assert not runs()


def test_no_code_comes_out_where_a_bash_is_started_anew() -> None:
    with Playground(Settings(live=False)) as playground:
        container = playground.new("box")
        container.fence(REGISTRY["nnp"]())
        container.run("evil() { echo evil; }; alias wicked='echo evil'; data=kept")
        container.run("PATH=/evil:$PATH; PROMPT_COMMAND='echo evil'; trap 'echo evil' DEBUG")
        container.peel("nnp")
        lines = "echo $data; type evil wicked 2>/dev/null; trap; echo $PATH"
        result = container.run(lines).output
        assert result.startswith("kept\n")
        assert "evil" not in result


def held(playground: Playground) -> tuple[int, int, int]:
    """Return the numbers of our descriptors, of the ptys among them, and of the processes."""
    assert playground.playground_pid is not None
    fds = procfs.fds("self")
    ptys = sum(to in ("/dev/ptmx", "/dev/pts/ptmx") for to in fds.values())
    return len(fds), ptys, len(running(playground.playground_pid))


def test_many_rounds_leave_no_descriptor_no_process_and_no_terminal(
    container: Container, playground: Playground
) -> None:
    before = held(playground)
    # An ordinary user needs another fence, which takes several times as long.
    for _ in range(100 if os.geteuid() == 0 else 30):
        container.fence(REGISTRY["caps"]())
        container.peel_all()
    wait_until(lambda: held(playground) == before, "all that it held before, and no more")


@pytest.mark.slow
def test_many_containers_with_dockers_fences_leave_no_descriptor(
    playground: Playground,
) -> None:
    playground.new("first")
    before = held(playground)
    for _ in range(50 if os.geteuid() == 0 else 10):
        container = playground.new()
        for kind in DOCKERS:
            container.fence(REGISTRY[kind]())
        playground.stop(container)
    wait_until(lambda: held(playground) == before, "all that it held before, and no more")
