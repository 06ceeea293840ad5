"""stats: what containers use before they have a limit, beside the kernel's own numbers."""

from __future__ import annotations

import json
import sys

import pytest

from shellplay.container import stats
from shellplay.container.container import Container
from shellplay.kernel import procfs
from tests.repl.program import shellplay

pytestmark = pytest.mark.everyone
SUMMED = ("processes", "memory", "cpu_seconds")
BURNER = f"{sys.executable} -Sc 'import time\nwhile time.process_time() < 0.4: pass'"


def test_without_a_limit_the_processes_are_summed_up(container: Container) -> None:
    job = container.spawn("sleep 1000")
    seen = stats.of(container)
    statuses = [procfs.status(pid) for pid in (container.pid, job.pid or 0)]
    assert (seen.processes, seen.summed) == (2, SUMMED)
    # The kernel adds up what its processors count only now and then.
    memory = sum(each.rss for each in statuses if each)
    assert (seen.memory or 0) // 1024 == pytest.approx(memory, abs=1024)


def test_the_time_of_what_bash_has_waited_for_counts(container: Container) -> None:
    before = stats.of(container).cpu_seconds
    assert before is not None
    container.run(BURNER)
    after = stats.of(container)
    assert after.processes == 1
    # Each number that is added is cut to a clock tick.
    assert (after.cpu_seconds or 0) - before >= 0.35


def test_what_is_summed_has_a_mark_in_the_table_and_a_name_in_the_document() -> None:
    done = shellplay("-c", "new box; spawn sleep 1000; stats; stats --json")
    *_, heading, row, hint, document = done.stdout.splitlines()
    assert heading.split() == ["NAME", "PIDS", "MEMORY", "CPU"]
    assert row.split()[:2] == ["box", "2"]
    assert [each[0] for each in row.split()[2:]] == ["~", "~"]
    assert hint.startswith("~ is a sum over the processes")
    assert tuple(json.loads(document)["stats"][0]["summed"]) == SUMMED
