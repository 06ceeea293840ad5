"""Whoever enters a container is not attacked from inside, and brings nothing along."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.kernel.process_tree import running
from shellplay.kernel.stub import Stub
from shellplay.playground.playground import Playground
from tests.hostile.attacks import script
from tests.program.conftest import Run
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
# Whatever it sees in /proc: a file is written below its root, which may be that of the host.
THIEF = """
import os
while True:
    for each in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{each}/root%(place)s", "x") as file: file.write(each)
        except OSError:
            pass
"""
# Stops everybody it may, but for itself and number 1.
STOPPER = """
import os, signal
print("ready", flush=True)
while True:
    for each in filter(str.isdigit, os.listdir("/proc")):
        if int(each) not in (1, os.getpid(), os.getppid()):
            try:
                os.kill(int(each), signal.SIGSTOP)
            except OSError:
                pass
"""
PATIENCE = 8.0


def at_leisure(
    monkeypatch: pytest.MonkeyPatch, call: str, until: Callable[[], object]
) -> list[int]:
    """Have every stub take its time before a call, as on a machine that has a lot to do."""
    made = getattr(Stub, call)
    seen: list[int] = []

    def late(self: Stub, *arguments: object, **options: object) -> object:
        seen.append(self.pid)
        with suppress(AssertionError):
            wait_until(until, timeout=0.5)
        return made(self, *arguments, **options)

    monkeypatch.setattr(Stub, call, late)
    return seen


def test_a_program_does_not_see_the_root_of_one_that_joins_its_processes(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CVE-2016-9962, with ``run --pid container:NAME``."""
    tmp_path.chmod(0o777)
    stolen = tmp_path / "stolen"
    thief = script(tmp_path / "thief", THIEF % {"place": stolen})
    run(f"run -dq --name a --cap-add SYS_PTRACE --network none host {thief}")
    seen = at_leisure(monkeypatch, "pivot_root", stolen.exists)
    run("run --rm -q --pid container:a --network none host true")
    assert seen, "it has not come that far"
    run("rm -f a")
    assert not stolen.exists()


def test_what_runs_beside_cannot_be_looked_into(
    container: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CVE-2016-9962, with ``exec``: it is not to be looked into before it is behind all."""
    stolen = tmp_path / "stolen"
    for kind in ("pid", "root"):
        container.fence(REGISTRY[kind]())
    container.fence(REGISTRY["caps"]())
    thief = script(Path(f"/proc/{container.pid}/root/tmp/thief"), THIEF % {"place": stolen})
    container.run(f"/tmp/{thief.name} & disown")
    at_leisure(monkeypatch, "fchdir", stolen.exists)
    at_leisure(monkeypatch, "seccomp", stolen.exists)
    assert container.exec(["true"], terminal=False) == 0
    assert not stolen.exists()


def test_a_helper_that_is_stopped_inside_holds_nobody_up(
    playground: Playground, tmp_path: Path
) -> None:
    box = playground.new("box")
    for kind in ("pid", "mnt", "nnp"):
        box.fence(REGISTRY[kind]())
    stopper = script(tmp_path / "stopper", STOPPER)
    ready = tmp_path / "ready"
    box.run(f"{stopper} >{ready} & disown")
    wait_until(lambda: ready.exists() and ready.read_text(), "it stops everybody")
    work = threading.Thread(target=lambda: _mount_quietly(box), daemon=True)
    work.start()
    work.join(PATIENCE)
    hangs = work.is_alive()
    _end_all(box)
    work.join(PATIENCE)
    assert not work.is_alive()
    assert not hangs


def _mount_quietly(box: Container) -> None:
    # It may fail, as long as it comes back.
    with suppress(Exception):
        box.fence(REGISTRY["proc"]())


def _end_all(box: Container) -> None:
    """End what runs beside a bash: who stops, and who was stopped."""
    for pid in running(box.monitor.pid):
        if pid not in (box.pid, *box.parked_pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "directory", [*(f"/proc/self/fd/{fd}" for fd in range(3, 9)), "/proc/1/cwd/../../.."]
)
def test_a_directory_of_the_host_is_no_place_to_start_in(
    directory: str, run: Run, busybox: str, tmp_path: Path
) -> None:
    """CVE-2024-21626: ``-w`` that names an open descriptor of whoever starts it."""
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    said = run(f"run --rm -q --network none -w {directory} {busybox} cat .{secret}")
    assert "of the host" not in said.printed


def test_nothing_of_ours_is_open_in_what_starts_here(run: Run) -> None:
    fds = "run --rm -q --network none host sh -c 'ls -l /proc/self/fd'"
    assert {int(each) for each in re.findall(r" (\d+) -> ", run(fds).printed)} <= {0, 1, 2, 3}
    assert "/dev/ptmx" not in run(fds).printed


@pytest.mark.parametrize("tool", ["ps", "nsenter", "mount", "stty", "sh", "unshare", "ip"])
def test_no_tool_that_lies_inside_is_executed_by_a_look_inside(
    tool: str, container: Container, tmp_path: Path
) -> None:
    """CVE-2022-1227: ``podman top`` executed the nsenter of the container."""
    proof = tmp_path / "proof"
    evil = tmp_path / "bin" / tool
    evil.parent.mkdir()
    evil.write_text(f"#!/bin/sh\n: >{proof}\n")
    evil.chmod(0o755)
    for kind in ("pid", "mnt"):
        container.fence(REGISTRY[kind]())
    container.run(f"PATH={evil.parent}:$PATH; sleep 1000 & disown")
    assert container.jobs()
    container.fences()
    container.fence(REGISTRY["sys"]())
    container.exec(["/bin/true"], terminal=False)
    container.peel_all(force=True)
    assert not proof.exists()


def test_no_library_is_loaded_from_inside(run: Run, tmp_path: Path) -> None:
    """CVE-2019-14271: after it had changed its root, docker cp loaded the image's libraries."""
    proof = tmp_path / "proof"
    evil = tmp_path / "lib" / "python3" / "site-packages"
    evil.mkdir(parents=True)
    for name in ("encodings", "json", "pwd", "grp", "shutil", "codecs", "locale"):
        (evil / f"{name}.py").write_text(f"open({str(proof)!r}, 'w')\n")
    path = f"-e PYTHONPATH={evil} -e PYTHONHOME={tmp_path} -e LD_PRELOAD={evil}/x.so"
    run(f"run --rm -q --network none {path} -w {evil} host true")
    run(f"run -dq --name a --network none {path} -w {evil} host sleep 1000")
    run("exec -c a true")
    run(f"cp a:/etc/hostname {tmp_path}/copied")
    assert not proof.exists()


def test_what_bash_says_of_its_fences_is_not_believed(
    container: Container, capfd: pytest.CaptureFixture[str]
) -> None:
    """firejail kept what a jail is like inside of it, so the jail could say what that is."""
    container.fence(REGISTRY["nnp"]())
    container.fence(REGISTRY["rlimit"].parse({"nofile": "50"}))
    container.run(
        "for each in ${!SHELLPLAY*}; do unset $each; done; unset -f $(compgen -A function)"
    )
    look = "grep NoNewPrivs /proc/self/status; ulimit -n"
    assert container.exec(["sh", "-c", look], terminal=False) == 0
    assert capfd.readouterr().out.split() == ["NoNewPrivs:", "1", "50"]


def test_a_process_with_the_number_of_another_is_not_taken_for_it(
    container: Container, run: Run
) -> None:
    os.kill(container.pid, signal.SIGKILL)
    wait_until(lambda: not container.live.alive, "its end")
    assert "has ended" in run("exec -c box true").told
