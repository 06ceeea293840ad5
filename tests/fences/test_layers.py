"""What every fence without a namespace keeps to: what it says, and how it goes and comes."""

from __future__ import annotations

import os

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused, ShellplayError
from shellplay.fences import KINDS, ORDER, REGISTRY, Fence, Limit, MountOver
from shellplay.kernel import procfs
from shellplay.model import FenceRecord, How
from shellplay.playground.playground import Playground
from shellplay.settings import Settings
from tests.fences.conditions import spawned
from tests.fences.host import digest, identities
from tests.fences.limited import kept, refused

pytestmark = pytest.mark.everyone
LAYERS = [kind for kind in ORDER if kind not in KINDS]
# Options to put each up with, a line that tells about it, and what that prints inside.
DEVICES = (
    "console core fd full mqueue null ptmx pts random shm "
    "stderr stdin stdout tty urandom zero\n"
)
SAMPLES: dict[str, tuple[dict[str, str], str, str]] = {
    "rlimit": ({"nofile": "64:128"}, "ulimit -Sn; ulimit -Hn", "64\n128\n"),
    "caps": (
        {"preset": "docker"},
        "sed -n 's/^CapBnd:.//p' /proc/self/status",
        "00000000a80425fb\n",
    ),
    "memory": (
        {"max": "64M"},
        kept("memory", "memory.limit_in_bytes", "memory.max"),
        "67108864\n",
    ),
    "cpu": (
        {"cpus": "0.5"},
        kept("cpu", "cpu.cfs_quota_us", "cpu.max") + " | cut -d' ' -f1",
        "50000\n",
    ),
    "pids": ({"max": "40"}, kept("pids", "pids.max", "pids.max"), "40\n"),
    "io": (
        {"read": "10M"},
        kept("io", "blkio.throttle.read_bps_device", "io.max") + " | grep -co 10485760",
        "1\n",
    ),
    "cpuset": ({"cpus": "0"}, "nproc", "1\n"),
    "landlock": (
        {"read": "/usr,/proc,/dev"},
        "cat /etc/passwd >/dev/null 2>&1; echo $?",
        "1\n",
    ),
    "seccomp": (
        {"deny": "sched_setscheduler", "action": "ENOSYS"},
        "chrt -b 0 true; echo $?",
        "chrt: failed to set pid 0's policy: Function not implemented\n1\n",
    ),
    "userns-lock": (
        {},
        "unshare --user true; echo $?",
        "unshare: unshare failed: Operation not permitted\n1\n",
    ),
    "root": (
        {},
        "grep -q upperdir=/sys/upper /proc/self/mountinfo && echo copied",
        "copied\n",
    ),
    "proc": ({}, "grep -q ' /proc/sys ro,' /proc/self/mountinfo && echo fixed", "fixed\n"),
    "sys": ({}, "grep -q ' /sys ro,' /proc/self/mountinfo && echo fixed", "fixed\n"),
    "dev": ({}, "cd /dev && echo *; cd - >/dev/null", DEVICES),
    "nnp": ({}, "grep -c 'NoNewPrivs:.1' /proc/self/status", "1\n"),
}


@pytest.fixture(autouse=True)
def possible(request: pytest.FixtureRequest) -> None:
    """Skip what this machine, or whoever runs the test, cannot limit."""
    kind = request.getfixturevalue("kind") if "kind" in request.fixturenames else None
    if kind is not None and (why := refused(kind)):
        pytest.skip(why)


def sample(kind: str) -> Fence:
    """Return a fence of a kind, with options where it needs some."""
    return REGISTRY[kind].parse(SAMPLES[kind][0])


def record(container: Container, kind: str) -> FenceRecord:
    """Return what is said of one layer of a container."""
    return {each.fence: each for each in container.fences()}[kind]


def layers(pid: int) -> list[object]:
    """Return what the kernel shows of all layers without a namespace."""
    return [REGISTRY[kind].fact(pid) for kind in LAYERS]


@pytest.mark.parametrize("kind", LAYERS)
def test_its_effect_is_seen_from_inside_and_peel_brings_everything_back(
    kind: str, container: Container
) -> None:
    host, before, bash = digest(), layers(container.pid), container.pid
    _, line, printed = SAMPLES[kind]
    container.run("kept=yes")
    assert container.run(line).output != printed
    container.fence(sample(kind))
    assert record(container, kind).up
    assert container.run(line).output == printed
    assert container.run("echo $kept | cat").output == "yes\n"
    container.peel(kind)
    assert not record(container, kind).up
    assert container.run(line).output != printed
    container.peel_all()
    assert (container.pid, container.parked, layers(bash)) == (bash, [], before)
    assert identities(bash) == identities()
    assert digest() == host


@pytest.mark.parametrize("kind", LAYERS)
def test_twice_up_or_down_is_refused_and_changes_nothing(
    kind: str, container: Container
) -> None:
    with pytest.raises(Refused, match="is not fenced"):
        container.peel(kind)
    container.fence(sample(kind))
    before = layers(container.pid)
    with pytest.raises(Refused, match="is fenced already"):
        container.fence(sample(kind))
    assert layers(container.pid) == before


@pytest.mark.parametrize("kind", LAYERS)
def test_exec_is_behind_it_too(
    kind: str, container: Container, capfd: pytest.CaptureFixture[str]
) -> None:
    _, line, printed = SAMPLES[kind]
    container.fence(sample(kind))
    container.exec(["bash", "-c", line], terminal=False)
    assert capfd.readouterr().out == printed


@pytest.mark.parametrize("other", ["uts", "pid", "user"])
@pytest.mark.parametrize("kind", LAYERS)
def test_it_stays_up_whatever_namespace_comes_after_it(
    kind: str, other: str, container: Container
) -> None:
    _, line, printed = SAMPLES[kind]
    before, bash = layers(container.pid), container.pid
    container.fence(sample(kind))
    if other in [each.fence for each in container.fences() if each.up]:
        return  # an ordinary user got it for this fence
    container.fence(REGISTRY[other]())
    assert record(container, kind).up
    assert record(container, other).up
    assert container.run(line).output == printed
    container.peel(kind)
    assert not record(container, kind).up
    assert record(container, other).up
    container.peel_all()
    assert (container.pid, layers(bash)) == (bash, before)


@pytest.mark.ptrace
@pytest.mark.parametrize("kind", LAYERS)
def test_number_1_stays_number_1_behind_it(kind: str, container: Container) -> None:
    for each in ("mnt", "pid"):
        container.fence(REGISTRY[each]())
    _, line, printed = SAMPLES[kind]
    container.fence(sample(kind))
    assert container.run("echo $$ $BASHPID").output == "1 1\n"
    assert container.run(line).output == printed
    container.peel(kind)
    assert container.run("echo $$ $BASHPID").output == "1 1\n"
    assert not record(container, kind).up
    container.peel_all()


@pytest.mark.ptrace
def test_a_namespace_below_a_restriction_does_not_end_a_job(container: Container) -> None:
    container.fence(sample("nnp"))
    job = spawned(container, "sleep 1000")
    with pytest.raises(Refused, match="fence uts would end the job sleep 1000"):
        container.fence(REGISTRY["uts"]())
    assert job.pid is not None
    assert procfs.stat(job.pid) is not None
    assert not record(container, "uts").up


@pytest.mark.parametrize("kind", LAYERS)
def test_a_new_bash_is_behind_all_that_the_old_one_was(kind: str) -> None:
    _, line, printed = SAMPLES[kind]
    with Playground(Settings(live=False)) as playground:
        container = playground.new("box")
        fence = sample(kind)
        from_outside = isinstance(fence, Limit) and fence.liftable(container.pid)
        change = container.fence(fence)
        assert change.how is (How.OUTSIDE if from_outside else How.RESPAWNED)
        if not record(container, "user").up:
            container.fence(REGISTRY["user"]())
        container.fence(REGISTRY["uts"]())
        assert container.run(line).output == printed
        container.peel("uts")
        assert container.run(line).output == printed
        container.peel(kind)
        assert container.run(line).output != printed


@pytest.mark.parametrize("kind", LAYERS)
def test_a_fence_that_the_kernel_does_not_show_is_an_error(
    kind: str, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not REGISTRY[kind].visible:
        pytest.skip("the kernel never shows it")
    call = "mount" if issubclass(REGISTRY[kind], MountOver) else "apply"
    monkeypatch.setattr(REGISTRY[kind], call, lambda fence, *target: None)
    with pytest.raises(ShellplayError, match=f"the kernel does not show the {kind} fence"):
        container.fence(sample(kind))


def test_every_layer_has_a_sample_here() -> None:
    assert sorted(SAMPLES) == sorted(LAYERS)


def test_who_has_no_privileges_needs_none_for_no_new_ones(container: Container) -> None:
    change = container.fence(sample("nnp"))
    assert change.first == ()
    assert change.how is How.FORKED
    assert change.state == "on"
    if os.geteuid() == 0:
        return
    change = container.fence(REGISTRY["uts"]())
    assert [each.fence for each in change.first] == ["user"]
    assert "nnp came off and went up again, above it" in change.notes
