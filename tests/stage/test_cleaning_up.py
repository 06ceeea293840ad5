"""Nothing is left, whoever is killed; the leftovers check of every test looks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shellplay.kernel import procfs
from shellplay.stage.report.report import Verdict
from shellplay.stage.worker import client
from shellplay.stage.worker.pool import perform_all
from shellplay.stage.worker.process import Task
from tests.families import family, wait_for_the_end
from tests.repl.program import environment
from tests.stage.recipes import recipe, write
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone

# Everything that a recipe can leave running, and files in its directory.
BLOCK = """\
play> new web
...
in> setsid sleep 1000 & sleep 1000 & mkdir -p a/b; touch a/b/c
...
host$ setsid -f sleep 1000
play> !setsid -f sleep 1000
play> exec sh -c 'setsid -f sleep 1000 >/dev/null 2>&1'
host$ touch GATE; sleep 1000
"""


@pytest.mark.parametrize("victim", ["driver", "performer", "both"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_whoever_is_killed_nothing_is_left(
    tmp_path: Path, victim: str, number: signal.Signals
) -> None:
    gate = tmp_path / "gate"
    path = write(tmp_path, "a", BLOCK.replace("GATE", str(gate)), timeout='"60s"')
    with subprocess.Popen(
        [sys.executable, "-m", "shellplay", "test", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
    ) as process:
        wait_until(lambda: gate.exists() or process.poll() is not None, timeout=60)
        assert process.poll() is None, process.communicate()
        (performer,) = procfs.children(process.pid)
        all_of_it = family(process.pid)
        assert len(all_of_it) > 8
        pids = {"driver": [process.pid], "performer": [performer]}
        for pid in pids.get(victim, [process.pid, performer]):
            os.kill(pid, number)
        said, _ = process.communicate(timeout=60)
    wait_for_the_end(all_of_it, timeout=20)
    if victim == "performer":
        assert process.returncode == 2
        assert "its process has ended, with status" in said


@pytest.mark.slow
def test_a_recipe_that_cannot_be_interrupted_is_ended_from_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "GRACE_SECONDS", 0.0)
    # As hung as a process can be: it is stopped.
    stopped = recipe("host$ kill -STOP $(ps -o ppid= -p $PPID)\n", total_timeout='"1s"')
    ((_, done),) = perform_all([Task(stopped)])
    assert done.report.verdict is Verdict.TIMED_OUT
    assert done.report.line == 9
