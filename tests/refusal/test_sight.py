"""A program inside sees no process of a trial that is behind fewer fences."""

from __future__ import annotations

from pathlib import Path

import pytest

from shellplay.playground.playground import Playground
from tests.program.conftest import Run
from tests.waiting import wait_until

pytestmark = pytest.mark.ptrace
# Writes a dot for each look at all processes, and the PIDs that it may trace and that are in
# another network, to two files.
LOOKING = """
import os, sys
def network(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return mine
mine = os.readlink("/proc/self/ns/net")
looks, found = (open(name, "w", buffering=1) for name in sys.argv[1:])
while True:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if network(pid) != mine:
            found.write(pid)
    looks.write(".")
"""


@pytest.mark.userns
def test_a_trial_outside_of_the_network_cannot_be_taken_over(
    playground: Playground, run: Run, tmp_path: Path
) -> None:
    for words in ("user", "pid", "mnt", "proc", "net"):
        done = run(f"fence {words}")
        assert done.status == 0, done.told
    container = playground.current
    assert container is not None
    program, looks, found = (tmp_path / name for name in ("looking", "looks", "found"))
    program.write_text(LOOKING)
    container.run(f"/usr/bin/python3 -I {program} {looks} {found} & disown")
    wait_until(lambda: looks.exists() and looks.stat().st_size > 0, "the first look")
    with container.trials.behind(("net",)):
        before = looks.stat().st_size
        wait_until(lambda: looks.stat().st_size > before + 2, "two looks")
    assert found.read_text() == ""
