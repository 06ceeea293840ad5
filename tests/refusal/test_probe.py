"""``probe`` tells what a process inside can do, and proves which fences close the rest."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.playground.playground import Playground
from shellplay.refusal.experiments import experiments
from shellplay.refusal.experiments.experiment import NODE
from shellplay.refusal.probe import CLOSED, OPEN, UNKNOWN, Probed, on_host, probe
from tests.program.conftest import Run
from tests.waiting import wait_until

DIGESTED = (
    "/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern", "/proc/swaps",
    "/proc/sys/vm/overcommit_memory",
)  # fmt: skip


def by_name(found: Sequence[Probed]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return state and causes of each experiment."""
    return {each.experiment.name: (each.state, each.by) for each in found}


def of_host() -> dict[str, object]:
    """Read what a dangerous call would have changed, and no neighbour changes."""
    files = {path: Path(path).read_text() for path in DIGESTED}
    return {**files, "node": os.path.lexists(NODE)}


@pytest.mark.everyone
def test_there_are_enough_experiments_and_each_has_a_name_of_its_own() -> None:
    found = experiments(os.getpid())
    assert len({each.name for each in found}) == len(found) >= 80


@pytest.mark.root
def test_nothing_is_closed_by_a_fence_where_there_is_none(container: Container) -> None:
    found = probe(container.trials)
    assert {each.by for each in found} == {()}
    assert by_name(found) == by_name(on_host(container.trials))


@pytest.mark.root
def test_what_dockers_fences_close_is_attributed(playground: Playground, run: Run) -> None:
    run("fence docker")
    assert playground.current is not None
    found = by_name(probe(playground.current.trials))
    expected = {
        "signal-host": ("pid",), "nice": ("caps",), "core-pattern": ("proc",),
        "parameter": ("sys",), "dev-kmsg": ("dev",), "configure-network": ("caps",),
        "io-uring": ("seccomp",), "keyring": ("seccomp",), "new-user": ("seccomp",),
    }  # fmt: skip
    assert {name: found[name] for name in expected} == {
        name: (CLOSED, by) for name, by in expected.items()
    }
    assert {*found["mount"][1]} == {*found["reboot"][1]} == {"seccomp", "caps"}
    assert {*found["trace-host"][1]} == {"seccomp", "caps", "pid"}
    for name in ("raw-socket", "chroot", "setuid", "write-etc", "terminal", "low-port"):
        assert found[name] == (OPEN, ()), name


@pytest.mark.everyone
@pytest.mark.parametrize(
    ("fence", "name", "by"),
    [
        ("userns-lock", "new-user", "userns-lock"),
        ("landlock write=/tmp", "write-usr", ""),
        ("seccomp deny=memfd_create", "memory-file", "seccomp"),
        ("seccomp deny=memfd_create action=kill", "memory-file", "seccomp"),
        ("pid", "signal-host", "pid"),
    ],
)
def test_one_fence_closes_one_experiment(
    playground: Playground, run: Run, fence: str, name: str, by: str
) -> None:
    run(f"fence {fence}")
    assert playground.current is not None
    state, causes = by_name(probe(playground.current.trials, [name]))[name]
    assert state == CLOSED
    if by:
        assert by in causes or causes == ("user",)


@pytest.mark.everyone
def test_it_changes_neither_the_host_nor_the_container(container: Container, run: Run) -> None:
    run("fence mnt")
    before, inside = of_host(), container.run("cat /proc/self/mountinfo; hostname")
    bashes = container.members()
    run("probe")
    run("probe --beside host")
    assert of_host() == before
    assert container.run("cat /proc/self/mountinfo; hostname") == inside
    wait_until(lambda: container.members() == bashes, "the end of the trials")


@pytest.mark.root
def test_it_compares_with_the_fences_of_docker_and_leaves_no_container(
    playground: Playground, run: Run
) -> None:
    run("new web")
    said = run("probe network --beside docker")
    assert "DOCKER" in said.told
    row = next(line for line in said.told.splitlines() if line.startswith("configure-network"))
    assert row.split()[-2:] == ["open", "closed"]
    assert [each.name for each in playground.containers] == ["web"]
    assert playground.current is playground.containers[0]


@pytest.mark.everyone
def test_one_experiment_is_explained(run: Run) -> None:
    run("fence seccomp deny=chroot")
    said = run("probe chroot")
    assert "change its root directory" in said.told
    assert "closed (EPERM)" in said.told


@pytest.mark.everyone
def test_a_script_gets_all_of_it_as_a_document(run: Run) -> None:
    run("new")
    found = json.loads(run("probe --json users").told.splitlines()[-1])
    assert found["kind"] == "probe"
    assert {each["group"] for each in found["probes"]} == {"users"}
    assert {each["state"] for each in found["probes"]} <= {OPEN, CLOSED, UNKNOWN}


@pytest.mark.everyone
def test_an_unknown_experiment_is_refused_with_a_near_one(run: Run) -> None:
    run("new")
    said = run("probe raw-sockt")
    assert said.status != 0
    assert 'did you mean "raw-socket"' in said.told
