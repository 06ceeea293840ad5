"""run: what is the host's, and what the user gave nobody, stays outside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shellplay.playground.playground import Playground
from shellplay.settings import Settings
from tests.program.conftest import Run

SECRET = "of-the-host-alone"


@pytest.fixture
def playground(monkeypatch: pytest.MonkeyPatch) -> Iterator[Playground]:
    """A playground in whose environment there is a secret."""
    monkeypatch.setenv("SECRET", SECRET)
    with Playground(Settings()) as opened:
        yield opened


@pytest.mark.everyone
@pytest.mark.parametrize("init", ["", "--init"])
def test_no_process_inside_has_the_environment_of_the_host(run: Run, init: str) -> None:
    run(f"run -dq {init} --network none --name web -e A=1 host sleep 1000")
    beside = run("exec env").printed.splitlines()
    assert {"A=1", f"HOSTNAME={run('exec hostname').printed.strip()}"} < set(beside)
    assert not [line for line in beside if SECRET in line]
    assert SECRET not in run("exec cat /proc/1/environ /proc/self/environ").printed


@pytest.mark.everyone
def test_a_bash_that_starts_anew_has_the_environment_of_the_one_before(
    run: Run, playground: Playground
) -> None:
    run("run -itq --network none -e A=1 host bash")
    run("peel caps")
    assert playground.current is not None
    assert playground.current.run("echo $A $SECRET").output == "1\n"


@pytest.mark.root
def test_nobody_inside_can_look_into_the_init(run: Run) -> None:
    run("run -dq --init --network none --name web host sleep 1000")
    for name in ("environ", "maps", "mem"):
        assert "Permission denied" in run(f"exec head -c1 /proc/1/{name}").printed
    assert "Permission denied" in run("exec readlink -v /proc/1/exe").printed


@pytest.mark.root
def test_what_runs_beside_it_is_the_same_user(run: Run, playground: Playground) -> None:
    run("run -dq -u 4000:4001 --network none --name web host sleep 1000")
    said = run("exec sh -c 'id -u; id -g; grep Cap /proc/self/status'").printed.splitlines()
    assert said[:2] == ["4000", "4001"]
    _, permitted, effective, bounding, _ = said[2:]
    assert int(permitted.split()[1], 16) == int(effective.split()[1], 16) == 0
    assert bounding.endswith("a80425fb")


@pytest.mark.root
def test_a_bash_that_starts_anew_is_the_same_user(run: Run, playground: Playground) -> None:
    run("run -itq -u 4000:4001 --network none host bash")
    run("peel caps")
    assert playground.current is not None
    assert playground.current.run("id -u; id -g").output == "4000\n4001\n"
