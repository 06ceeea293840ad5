"""Options of run that write a cgroup: what stands there while the program runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shellplay.kernel.cgroup import hierarchies
from shellplay.playground.playground import Playground
from tests.program.conftest import Run

pytestmark = pytest.mark.root
QUIET = "run -dq --network none --name web"


def version(controller: str) -> int:
    """Return the version of cgroups that has a controller; skip if none has."""
    hierarchy = hierarchies.having(controller)
    if hierarchy is None:
        pytest.skip(f"no {controller} controller")
    return hierarchy.version


def kept(playground: Playground, controller: str, unified: str, legacy: str) -> str:
    """Return what a file of the cgroup of the container web has."""
    hierarchy = hierarchies.having(controller)
    assert hierarchy is not None
    directory = hierarchy.of(playground.find("web").pid)
    assert directory is not None
    assert directory != hierarchy.of("self")
    return hierarchies.read(directory, unified if hierarchy.version == 2 else legacy) or ""


def a_disk() -> str:
    """Return the path of a disk; skip if there is none."""
    for each in sorted(Path("/sys/block").iterdir()):
        if Path(f"/dev/{each.name}").is_block_device():
            return f"/dev/{each.name}"
    pytest.skip("no disk")


def test_shares_of_processors(run: Run, busybox: str, playground: Playground) -> None:
    version("cpu")
    run(f"{QUIET} -c 512 {busybox} sleep 1000")
    assert kept(playground, "cpu", "cpu.weight", "cpu.shares") in ("20", "512")


def test_a_quota_in_a_period(run: Run, busybox: str, playground: Playground) -> None:
    unified = version("cpu") == 2
    run(f"{QUIET} --cpu-period 50000 --cpu-quota 12345 {busybox} sleep 1000")
    quota = kept(playground, "cpu", "cpu.max", "cpu.cfs_quota_us")
    assert quota == ("12345 50000" if unified else "12345")
    if not unified:
        assert kept(playground, "cpu", "", "cpu.cfs_period_us") == "50000"


def test_a_period_alone(run: Run, busybox: str, playground: Playground) -> None:
    unified = version("cpu") == 2
    run(f"{QUIET} --cpu-period 50000 {busybox} sleep 1000")
    period = kept(playground, "cpu", "cpu.max", "cpu.cfs_period_us")
    assert period == ("max 50000" if unified else "50000")


def test_memory_is_reserved(run: Run, busybox: str, playground: Playground) -> None:
    version("memory")
    run(f"{QUIET} -m 64m --memory-reservation 32m {busybox} sleep 1000")
    assert kept(playground, "memory", "memory.low", "memory.soft_limit_in_bytes") == "33554432"


@pytest.mark.parametrize(
    ("words", "legacy", "unified"),
    [
        ("--memory-swap 96m", 96 << 20, "33554432"),
        ("--memory-swap 64m", 64 << 20, "0"),
        ("--memory-swap -1", None, "max"),
        ("", 128 << 20, "67108864"),
    ],
)
def test_swap_is_limited_together_with_memory(
    run: Run,
    busybox: str,
    playground: Playground,
    words: str,
    legacy: int | None,
    unified: str,
) -> None:
    number = version("memory")
    run(f"{QUIET} -m 64m {words} {busybox} sleep 1000")
    text = kept(playground, "memory", "memory.swap.max", "memory.memsw.limit_in_bytes")
    if not text:
        pytest.skip("this kernel does not count swap")
    if number == 2:
        assert text == unified
    elif legacy is None:
        assert int(text) > 1 << 60
    else:
        assert int(text) == legacy


def test_swapping_and_killing_are_settings_of_version_1(
    run: Run, busybox: str, playground: Playground
) -> None:
    number = version("memory")
    said = run(f"{QUIET} -m 64m --memory-swappiness 7 {busybox} sleep 1000")
    if number == 2:
        assert "version 2 have no such setting" in said.told
        return
    assert kept(playground, "memory", "", "memory.swappiness") == "7"
    run("rm -f web")
    run(f"{QUIET} -m 64m --oom-kill-disable {busybox} sleep 1000")
    assert "oom_kill_disable 1" in kept(playground, "memory", "", "memory.oom_control")


def test_only_the_memory_of_one_node(run: Run, busybox: str, playground: Playground) -> None:
    version("cpuset")
    run(f"{QUIET} --cpuset-mems 0 {busybox} sleep 1000")
    assert kept(playground, "cpuset", "cpuset.mems", "cpuset.mems") == "0"
    said = run(f"run -q --network none --cpuset-mems 77 {busybox} true")
    assert "--cpuset-mems: the kernel does not take '77'" in said.told


def test_disks_are_slowed_down(run: Run, busybox: str, playground: Playground) -> None:
    number, disk = version("io"), a_disk()
    said = run(
        f"{QUIET} --device-read-bps {disk}:1mb --device-write-bps {disk}:2m "
        f"--device-read-iops {disk}:30 --device-write-iops {disk}:40 {busybox} sleep 1000"
    )
    assert said.status == 0, said.told
    if number == 2:
        text = kept(playground, "io", "io.max", "")
        assert "rbps=1048576 wbps=2097152 riops=30 wiops=40" in text
        return
    numbers = Path(disk).stat().st_rdev
    for name, rate in (
        *(("read_bps", 1048576), ("write_bps", 2097152)),
        *(("read_iops", 30), ("write_iops", 40)),
    ):
        text = kept(playground, "io", "", f"blkio.throttle.{name}_device")
        assert text == f"{os.major(numbers)}:{os.minor(numbers)} {rate}"


def test_a_weight_of_disks_is_kept_or_refused(
    run: Run, busybox: str, playground: Playground
) -> None:
    version("io")
    said = run(f"{QUIET} --blkio-weight 300 {busybox} sleep 1000")
    if said.status:
        assert "this kernel has no" in said.told
        assert playground.containers == []
        return
    names = ("io.bfq.weight", "io.weight", "blkio.weight", "blkio.bfq.weight")
    found = {word for name in names for word in kept(playground, "io", name, name).split()}
    # The range of io.weight is ten times as wide.
    assert found & {"300", "2930"}


def test_below_another_cgroup_its_limits_count_and_nothing_is_left(
    run: Run, busybox: str, playground: Playground
) -> None:
    version("pids")
    hierarchy = hierarchies.having("pids")
    assert hierarchy is not None
    own = hierarchy.of("self")
    assert own is not None
    below = own.removeprefix(hierarchy.point)
    parent = f"{below}/above-{os.getpid()}/deep"
    said = run(f"{QUIET} --cgroup-parent {parent} {busybox} sleep 1000")
    assert said.status == 0, said.told
    directory = hierarchy.of(playground.find("web").pid)
    assert directory is not None
    assert directory.startswith(f"{hierarchy.point}{parent}/")
    run("rm -f web")
    assert not Path(hierarchy.point + parent).parent.exists()


def test_what_exec_starts_is_in_the_same_cgroups(run: Run, busybox: str) -> None:
    version("cpu")
    run(f"{QUIET} -c 512 {busybox} sleep 1000")
    said = run("exec -c web sh -c 'cat /proc/1/cgroup /proc/self/cgroup'")
    lines = said.printed.splitlines()
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]
