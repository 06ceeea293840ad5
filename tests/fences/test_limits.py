"""The limits: what they stop, what they count, how they change, and what they leave."""

from __future__ import annotations

import os
import shlex
import signal
import time
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused, UsageError
from shellplay.fences import REGISTRY
from shellplay.fences.base.fence import Fence
from shellplay.kernel import procfs
from shellplay.kernel.cgroup import directories as cgroup_directories
from shellplay.kernel.cgroup import hierarchies
from shellplay.model import How
from shellplay.playground.playground import Playground
from tests.fences.conditions import spawned, start_in_front
from tests.fences.limited import kept, refused
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
MEGABYTE = 1 << 20
HOG = "python3 -c 'print(len(bytearray(200 << 20)))'"
# It asks for two hundred at most, and those that came go by themselves.
BOMB = "for i in $(seq 200); do sleep 30 & done 2>/dev/null"


def fence(kind: str, **options: str) -> Fence:
    """Return a limit; skip the test if it cannot go up here."""
    if why := refused(kind):
        pytest.skip(why)
    return REGISTRY[kind].parse(options)


def directory(container: Container, kind: str) -> Path:
    """Return the cgroup that the live bash is in."""
    hierarchy = hierarchies.having(kind)
    assert hierarchy is not None
    found = hierarchy.of(container.pid)
    assert found is not None
    return Path(found)


def left(container: Container) -> list[Path]:
    """Return the cgroups of a container that are there."""
    found: list[Path] = []
    for hierarchy in hierarchies.hierarchies():
        own = hierarchy.of("self")
        for above in hierarchy.upwards(own) if own else ():
            found += Path(above).glob(container.group.name)
    return found


# -- what they stop ---------------------------------------------------------------------------


def test_who_takes_too_much_memory_is_killed_and_that_is_said(playground: Playground) -> None:
    container = playground.new("box")
    container.run("kept=yes")
    container.fence(fence("memory", max="32M"))
    assert container.run(HOG).status == 128 + signal.SIGKILL
    assert playground.notices() == [
        "box: out of memory, so the kernel has killed a process (limit memory)"
    ]
    assert playground.notices() == []
    seen = container.usage()
    assert (seen.oom_kills, seen.memory_limit) == (1, "32M")
    assert (seen.memory_peak or 0) <= 32 * MEGABYTE
    assert container.run("echo $kept").output == "yes\n"
    container.peel("memory")
    assert container.run(HOG).output == f"{200 * MEGABYTE}\n"
    assert playground.notices() == []


def test_a_fork_bomb_ends_at_the_limit(container: Container) -> None:
    container.fence(fence("pids", max="20"))
    container.type(BOMB.encode() + b"\r")
    wait_until(lambda: (container.usage().forks_refused or 0) > 0, "a refused fork")
    assert container.usage().processes == 20
    assert len(container.members()) <= 20


def test_a_busy_loop_gets_its_part_of_a_processor(container: Container) -> None:
    # So small a part that it is held back on a machine with much else to do, too.
    container.fence(fence("cpu", cpus="0.05"))
    before, began = container.usage().cpu_seconds or 0, time.monotonic()
    job = container.spawn("while :; do :; done")
    assert job.pid is not None
    wait_until(lambda: (container.usage().throttled_seconds or 0) > 1, "a loop held back")
    used, took = (container.usage().cpu_seconds or 0) - before, time.monotonic() - began
    assert used < 0.05 * took + 0.3
    os.kill(job.pid, signal.SIGKILL)


def test_a_quota_of_more_than_the_machine_has_is_noted(container: Container) -> None:
    count = os.cpu_count() or 1
    assert container.fence(fence("cpu", cpus=str(count * 0.9))).notes == ()
    container.peel("cpu")
    (note,) = container.fence(fence("cpu", cpus=str(count))).notes
    assert note.endswith(f"so a limit of {count} takes nothing away")


def test_a_disk_is_read_as_slowly_as_it_may_be(container: Container, tmp_path: Path) -> None:
    limit = fence("io", read="1M")
    file = tmp_path / "file"
    file.write_bytes(os.urandom(MEGABYTE))
    container.fence(limit)
    line = f"dd if={shlex.quote(str(file))} of=/dev/null bs=128k iflag=direct count=8"
    result = container.run(f"sync; time {line} 2>&1")
    if "Invalid argument" in result.output:
        pytest.skip(f"{tmp_path} is not on a disk that reads directly")
    took = next(line for line in result.output.splitlines() if line.startswith("real"))
    assert took >= "real\t0m0.7"
    assert (container.usage().read or 0) >= MEGABYTE


# -- who is inside ----------------------------------------------------------------------------


def test_jobs_come_in_and_go_back_with_the_bash(container: Container) -> None:
    limit = fence("pids", max="50")
    job = spawned(container, "sleep 1000")
    outside = directory(container, "pids")
    container.fence(limit)
    inside = directory(container, "pids")
    assert inside != outside
    assert set(hierarchies.pids(str(inside))) == {container.pid, job.pid}
    container.peel("pids")
    assert directory(container, "pids") == outside
    assert {container.pid, job.pid} <= set(hierarchies.pids(str(outside)))
    assert not inside.exists()


@pytest.mark.ptrace
def test_a_bash_parked_before_stays_outside_and_is_limited_when_it_wakes(
    container: Container,
) -> None:
    limit = fence("pids", max="50")
    container.fence(REGISTRY["user"]())
    container.fence(limit)
    inside = directory(container, "pids")
    assert hierarchies.pids(str(inside)) == [container.pid]
    container.peel("user")
    assert hierarchies.pids(str(inside)) == [container.pid]
    assert container.run(kept("pids", "pids.max", "pids.max")).output == "50\n"


@pytest.mark.ptrace
def test_a_limit_ends_with_the_bash_that_it_was_put_around(container: Container) -> None:
    limit = fence("pids", max="50")
    container.fence(REGISTRY["user"]())
    container.fence(limit)
    inside = directory(container, "pids")
    container.run("exit")
    container.go_on_outside()
    assert not inside.exists()
    assert [each.fence for each in container.fences() if each.up] == []


@pytest.mark.ptrace
def test_limits_of_each_process_end_with_their_bash(container: Container) -> None:
    container.fence(REGISTRY["user"]())
    container.fence(fence("rlimit", nofile="64"))
    container.run("exit")
    assert "rlimit" not in [each.fence for each in container.fences() if each.up]
    container.go_on_outside()
    assert "rlimit" not in [each.fence for each in container.fences() if each.up]
    assert container.run("ulimit -n").output != "64\n"


def test_its_cgroup_lies_below_ours_and_one_holds_all_limits_of_a_hierarchy(
    container: Container,
) -> None:
    limits = [fence("memory", max="64M"), fence("pids", max="50")]
    for limit in limits:
        container.fence(limit)
    for kind in ("memory", "pids"):
        hierarchy = hierarchies.having(kind)
        assert hierarchy is not None
        assert directory(container, kind).parent == Path(hierarchies.place(hierarchy))
    container.peel("memory")
    assert directory(container, "pids").name == container.group.name
    container.peel("pids")
    assert container.group.name not in directory(container, "pids").name


def test_the_directories_end_with_the_container_whoever_is_inside(
    playground: Playground,
) -> None:
    limit = fence("pids", max="50")
    container = playground.new("box")
    container.fence(limit)
    container.run("setsid -f sleep 1000 </dev/null &>/dev/null")
    inside = directory(container, "pids")
    inner = inside / "made-inside"
    cgroup_directories.make(str(inner))
    playground.stop(container)
    assert not inside.exists()


def test_what_a_killed_playground_has_left_is_removed_by_the_next(
    container: Container,
) -> None:
    limit = fence("pids", max="50")
    hierarchy = hierarchies.having("pids")
    assert hierarchy is not None
    stale = Path(hierarchies.place(hierarchy)) / f"shellplay-{_no_process()}-0123456789ab"
    cgroup_directories.make(str(stale))
    container.fence(limit)
    assert not stale.exists()


def _no_process() -> int:
    largest = int(Path("/proc/sys/kernel/pid_max").read_text())
    return next(pid for pid in range(largest - 1, 1, -1) if procfs.stat(pid) is None)


# -- how they change --------------------------------------------------------------------------


def test_a_limit_changes_while_everything_runs_on(container: Container) -> None:
    container.fence(fence("memory", max="32M"))
    job = spawned(container, "sleep 1000")
    change = container.limit(fence("memory", max="96M"))
    assert (change.verb, change.how, change.state) == ("limit", How.OUTSIDE, "96M")
    assert container.usage().memory_limit == "96M"
    container.limit(fence("memory", max="16M"))
    assert container.usage().memory_limit == "16M"
    assert [each.pid for each in container.jobs()] == [job.pid]


def test_what_a_change_does_not_name_stays(container: Container) -> None:
    container.fence(fence("memory", max="32M", swap="1M"))
    container.limit(fence("memory", max="48M"))
    record = next(each for each in container.fences() if each.fence == "memory")
    assert record.options == {"max": "48M", "swap": "1M"}


def test_only_a_limit_that_stands_can_be_changed(container: Container) -> None:
    with pytest.raises(Refused, match=r"pids is not limited yet \(fence pids, first\)"):
        container.limit(fence("pids", max="50"))
    with pytest.raises(Refused, match="uts is not a limit"):
        container.limit(REGISTRY["uts"]())


def test_a_value_that_the_kernel_refuses_leaves_nothing(container: Container) -> None:
    limit = fence("cpuset", cpus="4000")
    with pytest.raises(Refused, match="cpuset: the processors here are"):
        container.fence(limit)
    assert left(container) == []
    assert [each.fence for each in container.fences() if each.up] == []
    container.fence(fence("cpuset", cpus="0"))
    with pytest.raises(Refused, match="cpuset: the processors here are"):
        container.limit(limit)
    assert container.run("nproc").output == "1\n"


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("memory", {}, r"fence memory needs a value \(fence memory 64M\)"),
        ("memory", {"max": "lots"}, "'lots' is not an amount"),
        ("cpu", {"cpus": "0"}, "'0' is not a number from 0.01 to 10000"),
        ("cpu", {"cpus": "1e9"}, "'1e9' is not a number from 0.01 to 10000"),
        ("cpu", {"cpus": "9" * 5000}, "is not a number"),
        ("cpu", {"cpus": "inf"}, "'inf' is not a number"),
        ("memory", {"max": "1"}, "bash itself needs more than 1 .*1M at least"),
        ("memory", {"max": "-1"}, "'-1' is not an amount"),
        ("memory", {"max": "9" * 20 + "G"}, "is above all limits"),
        ("memory", {"max": "9" * 5000}, "is not an amount"),
        ("memory", {"max": "64M", "swap": "8E"}, "'8E' is not an amount"),
        ("io", {"read": "0"}, "fence io: read=0 is not a limit"),
        ("pids", {"max": "-1"}, "'-1' is not a number of processes"),
        ("io", {}, "needs read= or write="),
        ("cpuset", {"cpus": "1-"}, "'1-' is not a list of processors"),
    ],
)
def test_a_value_that_means_nothing_is_refused_with_one_that_does(
    kind: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        REGISTRY[kind].parse(options)


def test_all_processors_are_no_limit(container: Container) -> None:
    limit = fence("cpuset", cpus=f"0-{len(os.sched_getaffinity(0)) - 1}")
    with pytest.raises(Refused, match="is all there are"):
        container.fence(limit)
    assert left(container) == []


def test_a_limit_comes_off_beside_another(container: Container) -> None:
    limits = [
        fence("memory", max="64M"),
        fence("cpu", cpus="0.5"),
        fence("pids", max="50"),
        fence("cpuset", cpus="0"),
    ]
    for limit in limits:
        container.fence(limit)
    kinds = [each.kind for each in limits]
    while kinds:
        container.peel(kinds.pop())
        assert [each.fence for each in container.fences() if each.up] == kinds
    assert left(container) == []


def test_a_file_is_no_disk(container: Container) -> None:
    with pytest.raises(Refused, match="io: /dev/null is not a disk"):
        container.fence(fence("io", read="1M", device="/dev/null"))
    assert left(container) == []
    with pytest.raises(Refused, match="io: /nowhere: No such file"):
        container.fence(fence("io", read="1M", device="/nowhere"))


def test_a_busy_bash_can_be_limited(container: Container) -> None:
    limit = fence("pids", max="50")
    start_in_front(container, "sleep 1000")
    container.fence(limit)
    assert len(hierarchies.pids(str(directory(container, "pids")))) == 2
