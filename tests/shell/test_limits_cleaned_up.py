"""No cgroup is left, however a playground ends; and none that was there before is touched."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from shellplay.kernel.cgroup import directories as cgroup_directories
from shellplay.kernel.cgroup import hierarchies
from shellplay.kernel.cgroup.group import prefix
from tests.delegation import own_directories
from tests.fences.limited import refused
from tests.shell.surviving import Running, program
from tests.shell.test_cleaning_up import LINGERERS
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
LIMITS = "memory,pids,cpu"
PAUSED = f"{LIMITS},pause"


@pytest.fixture(autouse=True)
def possible() -> None:
    """Skip where nothing can be limited."""
    if why := next(filter(None, map(refused, LIMITS.split(","))), None):
        pytest.skip(why)


def everything() -> set[Path]:
    """Return all cgroups of these tests, but those of playgrounds."""
    paths = {path for each in own_directories() for path, _, _ in os.walk(each)}
    return {Path(path) for path in paths if "shellplay-" not in path}


def its(playground: int) -> list[Path]:
    """Return the cgroups that belong to a playground process."""
    return [
        each
        for hierarchy in hierarchies.hierarchies()
        for above in hierarchy.upwards(hierarchy.of("self") or hierarchy.point)
        for each in Path(above).glob(f"{prefix(playground)}*")
    ]


def gone(running: Running) -> None:
    """Wait until the cgroups of a playground are gone."""
    wait_until(lambda: not its(running.playground), "the end of its cgroups")


@pytest.mark.parametrize("kinds", [LIMITS, PAUSED])
@pytest.mark.parametrize("lingerer", ["a daemon", "one that goes on forking"])
def test_after_kill_9_of_the_repl_no_cgroup_is_left(kinds: str, lingerer: str) -> None:
    before = everything()
    with program(kinds, LINGERERS[lingerer]) as running:
        assert its(running.playground)
        os.kill(running.repl, signal.SIGKILL)
    gone(running)
    assert everything() == before


@pytest.mark.parametrize("kinds", [LIMITS, PAUSED])
def test_after_kill_9_of_the_playground_process_no_cgroup_is_left(kinds: str) -> None:
    with program(kinds, LINGERERS["a daemon"]) as running:
        os.kill(running.playground, signal.SIGKILL)
        wait_until(lambda: not running.bash_runs, "the end of bash")
        gone(running)
    assert running.process.returncode == 0


@pytest.mark.parametrize("kinds", [LIMITS, PAUSED])
def test_a_playground_that_is_told_to_end_leaves_no_cgroup(kinds: str) -> None:
    with program(kinds, LINGERERS["a daemon"]) as running:
        os.kill(running.playground, signal.SIGTERM)
        wait_until(lambda: not running.bash_runs, "the end of bash")
    gone(running)


def test_who_was_moved_in_from_outside_ends_with_the_cgroup() -> None:
    with program(LIMITS, "true") as running:
        (inside,) = [each for each in its(running.playground) if (each / "pids.max").exists()]
        stranger = os.posix_spawn("/bin/sleep", ["sleep", "1000"], {})
        cgroup_directories.move(stranger, str(inside))
        os.kill(running.repl, signal.SIGKILL)
        assert os.waitpid(stranger, 0)[1] == signal.SIGKILL
    gone(running)
