"""What lies in files needs no living process: cp, diff and commit after the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shellplay.playground.playground import Playground
from tests.program.conftest import Run
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
SCRIPT = "mkdir /made; echo x >/made/new; ln -s /made/new /lnk; rm /etc/group; exit 4"


@pytest.fixture
def ended(run: Run, busybox: str) -> str:
    """A container that has ended; its name."""
    assert run(f"run -dq --name a --network none {busybox} sh -c '{SCRIPT}'").status == 0
    assert "exit status 4" in run("wait a").told
    return "a"


def test_files_come_out_of_it_and_go_in(run: Run, ended: str, tmp_path: Path) -> None:
    assert run(f"cp a:/made/new {tmp_path}/out").status == 0
    assert (tmp_path / "out").read_text() == "x\n"
    assert run(f"cp -L a:/lnk {tmp_path}/through").status == 0
    assert (tmp_path / "through").read_text() == "x\n"
    assert run(f"cp a:/etc/passwd {tmp_path}/passwd").status == 0
    (tmp_path / "more").write_text("more\n")
    assert run(f"cp {tmp_path}/more a:/made/").status == 0
    assert run(f"cp a:/made {tmp_path}/all").status == 0
    assert sorted(each.name for each in (tmp_path / "all").iterdir()) == ["more", "new"]
    missing = run(f"cp a:/etc/group {tmp_path}/group")
    assert (missing.status, "No such file" in missing.told) == (1, True)


def test_its_changes_are_told(run: Run, ended: str) -> None:
    told = run("diff files -c a").told
    for line in ("A /made/new", "A /lnk", "D /etc/group"):
        assert line in told


def test_it_becomes_an_image(run: Run, ended: str) -> None:
    assert run("commit -c a kept:1").status == 0
    assert run("run --rm -q --network none kept:1 cat /lnk").printed == "x\n"
    assert run("run --rm -q --network none kept:1 cat /etc/group").status == 1


def test_its_log_and_status_stay_and_rm_takes_all(run: Run, ended: str) -> None:
    assert "exit status 4" in run("wait a").told
    assert run("rm a").status == 0
    assert run("diff files -c a").status == 1


def test_after_a_stop_it_is_the_same(
    run: Run, busybox: str, tmp_path: Path, playground: Playground
) -> None:
    program = "sh -c 'echo y >/new; echo ready; exec sleep 1000'"
    run(f"run -dq --name b --network none {busybox} {program}")
    (container,) = playground.containers
    wait_until(lambda: "ready" in container.logs(), "the file")
    assert run("stop -t 0 b").status == 0
    assert run(f"cp b:/new {tmp_path}/new").status == 0
    assert (tmp_path / "new").read_text() == "y\n"


def test_of_the_files_of_the_host_it_is_the_same(run: Run, tmp_path: Path) -> None:
    name = f"made-{os.getpid()}"
    run(f"run -dq --name h --network none host sh -c 'echo x >/usr/{name}'")
    run("wait h")
    assert f"A /usr/{name}" in run("diff files -c h").told
    assert run(f"cp h:/usr/{name} {tmp_path}/new").status == 0
    assert (tmp_path / "new").read_text() == "x\n"
    assert not Path(f"/usr/{name}").exists()


def test_one_that_shares_nothing_is_gone(run: Run, playground: Playground) -> None:
    run("new plain; in exit 1")
    refused = run("cp plain:/etc/hosts /tmp/x")
    assert refused.status == 1
    assert "bash in plain has exited" in refused.told
