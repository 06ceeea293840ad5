"""A bash keeps what it owns: through fences in place, and through forking ones and back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused
from shellplay.fences import KINDS, REGISTRY
from shellplay.model import How
from tests.fences.belongings import expected, pack, shown
from tests.fences.conditions import interrupt, printed, spawned, start_in_front
from tests.fences.host import changed, identities

pytestmark = pytest.mark.everyone
IN_PLACE = [kind for kind in KINDS if kind not in ("user", "pid")]
Wait = Callable[..., object]


@pytest.mark.parametrize("kind", KINDS)
def test_everything_a_bash_owns_survives_fence_and_peel(
    kind: str, container: Container, tmp_path: Path
) -> None:
    pack(container, tmp_path)
    container.fence(REGISTRY[kind]())
    assert shown(container) == expected(tmp_path)
    container.peel(kind)
    assert shown(container) == expected(tmp_path)
    container.peel_all()
    assert shown(container) == expected(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_half_typed_line_can_be_finished_after_fence_and_peel(
    kind: str, container: Container, wait_until: Wait
) -> None:
    container.type(b"echo one-")
    wait_until(lambda: "echo one-" in container.logs(), "the echo")
    container.fence(REGISTRY[kind]())
    container.type(b"two-")
    # What is typed inside is executed outside by the next Enter: it is code.
    container.peel(kind, code=True)
    container.peel_all(code=True)
    container.type(b"three\r")
    wait_until(printed(container, "one-two-three"), "the line's output")


@pytest.mark.parametrize("kind", KINDS)
def test_a_background_job_is_the_same_job_after_fence_and_peel(
    kind: str, container: Container
) -> None:
    job = spawned(container, "sleep 1000")
    change = container.fence(REGISTRY[kind]())
    stays = change.how is How.IN_PLACE
    assert ("Running" in container.run("jobs").output) == stays
    container.peel_all()
    assert "Running" in container.run("jobs").output
    assert [each.pid for each in container.jobs()] == [job.pid]
    assert container.run("kill %1; wait %1").status == 128 + 15


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_that_was_there_before_is_named(kind: str, container: Container) -> None:
    job = spawned(container, "sleep 1000")
    change = container.fence(REGISTRY[kind]())
    notes = "\n".join(note for each in (change, *change.first) for note in each.notes)
    how = "started before" if change.how is How.IN_PLACE else "stays outside with the parked"
    assert how in notes
    assert f": sleep 1000 ({job.pid})" in notes


@pytest.mark.parametrize("kind", KINDS)
def test_a_fence_in_place_goes_up_while_a_foreground_job_runs_and_others_refuse(
    kind: str, container: Container
) -> None:
    start_in_front(container, "sleep 1000")
    before = identities(container.pid)
    if os.geteuid() == 0 and kind in IN_PLACE:
        container.fence(REGISTRY[kind]())
        assert changed(container.pid, before) == {kind}
        container.peel(kind)
    else:
        with pytest.raises(Refused, match=r"bash is busy: sleep 1000 \(\d+\) runs"):
            container.fence(REGISTRY[kind]())
    assert identities(container.pid) == before
    interrupt(container)
    assert container.run("echo $?").output == "130\n"


def test_the_terminal_keeps_its_modes(container: Container) -> None:
    modes = container.terminal.modes()
    for kind in ("uts", "pid"):
        container.fence(REGISTRY[kind]())
    container.peel_all()
    assert container.terminal.modes() == modes
    assert container.run("stty -a | grep -o ' icanon'").output.strip() == "icanon"
