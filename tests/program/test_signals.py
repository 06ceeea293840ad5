"""Signals to a container: stop, kill and the stop signal of an image, in every spelling."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from shellplay.image.import_archive import import_image
from shellplay.image.store import Store
from shellplay.playground.playground import Playground
from tests.image.making import busybox_root, directory, drained, layout, member, tar_of
from tests.program.conftest import Run
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
CATCHING = (
    "import os, signal, time\n"
    "for n in signal.valid_signals() - {9, 17, 19}:\n"
    "    signal.signal(n, lambda n, _: (os.write(1, b'%d' % n), os._exit(n)))\n"
    "os.write(1, b'ready')\n"
    "while True: time.sleep(1)\n"
)


def start(run: Run, playground: Playground, tmp_path: Path, options: str = "") -> None:
    """Start a program that ends with the number of the signal it gets as its status."""
    program = tmp_path / "catching.py"
    program.write_text(CATCHING)
    program.chmod(0o644)
    done = run(
        f"run -d -q --name c --network none {options} -v {program}:/c.py:ro host "
        "python3 -I -S /c.py"
    )
    assert done.status == 0, done.told
    wait_until(lambda: "ready" in playground.find("c").logs(), "the program")


@pytest.mark.parametrize("spelled", ["SIGRTMIN+3", "37", "rtmin+3", "RTMAX-27"])
def test_a_real_time_signal_can_be_the_stop_signal(
    run: Run, playground: Playground, tmp_path: Path, spelled: str
) -> None:
    start(run, playground, tmp_path, f"--stop-signal {spelled}")
    assert "c: exit status 37\n" in run("stop c").told
    assert "37" in run("logs c").told + playground.find("c").logs()


@pytest.mark.parametrize("line", ["stop -s 40 c", "kill -s RTMIN+6 c", "kill -40 c"])
def test_stop_and_kill_take_every_signal(
    run: Run, playground: Playground, tmp_path: Path, line: str
) -> None:
    start(run, playground, tmp_path)
    assert run(line).status == 0
    wait_until(lambda: playground.find("c").dead, "its end")
    assert "exit status 40" in run("wait c").told


def test_kill_of_a_container_is_kill_where_no_signal_is_named(
    run: Run, playground: Playground, tmp_path: Path
) -> None:
    start(run, playground, tmp_path)
    assert f"SIGKILL sent to {playground.find('c').pid}" in run("kill c").told
    wait_until(lambda: playground.find("c").dead, "its end")
    assert f"exit status {128 + signal.SIGKILL}" in run("wait c").told
    again = run("kill c")
    assert (again.status, "c has ended" in again.told) == (1, True)


def image_with(tmp_path: Path, stop_signal: str) -> str:
    """Import an image whose stop signal is this, with busybox in it."""
    root = busybox_root(tmp_path / "files")
    program = (root / "bin" / "busybox").read_bytes()
    layer = tar_of(directory("bin"), member("bin/sh", data=program, mode=0o755))
    made = layout(
        tmp_path / "image", layer, config={"StopSignal": stop_signal}, name="own:latest"
    )
    drained(import_image(Store(), made))
    return "own"


TRAPPED = "'trap \"exit 5\" 37; echo ready; while :; do :; done'"


@pytest.mark.parametrize("stop_signal", ["SIGRTMIN+3", "37"])
def test_an_image_may_name_a_real_time_signal(
    run: Run, playground: Playground, tmp_path: Path, stop_signal: str
) -> None:
    image = image_with(tmp_path, stop_signal)
    assert run(f"run -d -q --name i --network none {image} sh -c {TRAPPED}").status == 0
    wait_until(lambda: "ready" in playground.find("i").logs(), "the program")
    assert "i: exit status 5\n" in run("stop i").told


def test_an_unknown_signal_in_an_image_keeps_stop_from_working_and_not_run(
    run: Run, playground: Playground, tmp_path: Path
) -> None:
    image = image_with(tmp_path, "SIGNOSUCH")
    done = run(f"run --rm -q --network none {image} sh -c 'exit 3'")
    assert "exit status 3" in done.told
    assert run(f"run -d -q --name i --network none {image} sh -c {TRAPPED}").status == 0
    wait_until(lambda: "ready" in playground.find("i").logs(), "the program")
    refused = run("stop i")
    assert refused.status == 1
    assert 'its image names an unknown signal "SIGNOSUCH"' in refused.told
    assert "stop -s TERM i" in refused.told
    assert "i: exit status 137, killed after 0 s\n" in run("stop -t 0 -s TERM i").told


def test_stop_of_what_has_ended_loses_nothing(run: Run, playground: Playground) -> None:
    assert run("run -d -q --name z --network none host sh -c 'echo kept; exit 4'").status == 0
    assert "exit status 4" in run("wait z").told
    for line in ("stop z", "stop -t 0 z"):
        done = run(line)
        assert (done.status, "has ended already" in done.told) == (0, True)
    assert "kept" in run("logs z").told
    assert "exit status 4" in run("wait z").told


def test_stop_of_a_bash_that_has_ended_keeps_its_output(
    run: Run, playground: Playground
) -> None:
    assert run("new b; in echo kept").status == 0
    run("in exit 1")
    wait_until(lambda: playground.find("b").dead, "its end")
    assert "has ended already" in run("stop b").told
    assert "kept" in run("logs b").told
    assert run("rm b").status == 0


def test_no_grace_is_a_kill_at_once_and_minus_one_is_no_limit(
    run: Run, playground: Playground, tmp_path: Path
) -> None:
    start(run, playground, tmp_path)
    assert "c: exit status 15\n" in run("stop -t -1 c").told
    assert run("rm c").status == 0
    assert run("run -d -q --name deaf --network none host sleep 1000").status == 0
    assert "deaf: exit status 137, killed after 0 s\n" in run("stop -t 0 deaf").told
