"""stats: before there is a limit, beside the kernel's own numbers, and again and again."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys

import pytest

from shellplay.cli.batch import Batch
from shellplay.cmdline.completion import complete
from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.printer import Printer
from shellplay.container.container import Container
from shellplay.kernel import procfs
from shellplay.playground.playground import Playground
from tests.fences.conditions import spawned
from tests.repl.program import environment, shellplay
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
SUMMED = ("processes", "memory", "cpu_seconds")
BURNER = f"{sys.executable} -Sc 'import time\nwhile time.process_time() < 0.4: pass'"


def test_without_a_limit_the_processes_are_summed_up(container: Container) -> None:
    job = spawned(container, "sleep 1000")
    seen = container.usage()
    assert (seen.processes, seen.summed) == (2, SUMMED)

    def is_that_of_the_statuses() -> bool:
        statuses = [procfs.status(pid) for pid in (container.pid, job.pid or 0)]
        memory = sum(each.rss for each in statuses if each)
        # The kernel adds up what its processors count only now and then.
        return (container.usage().memory or 0) // 1024 == pytest.approx(memory, abs=1024)

    # What has just begun still loads its libraries.
    wait_until(is_that_of_the_statuses, "the memory of both")


def test_the_time_of_what_bash_has_waited_for_counts(container: Container) -> None:
    before = container.usage().cpu_seconds
    assert before is not None
    container.run(BURNER)
    after = container.usage()
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


# -- again and again --------------------------------------------------------------------------


def test_watching_prints_one_table_after_the_other_through_a_pipe() -> None:
    done = shellplay("-c", "new box; stats --watch 0.01 --count 3; !echo after")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("NAME  PIDS") == 3
    assert done.stdout.endswith("after\n")
    assert "\x1b" not in done.stdout


def test_watching_as_json_prints_a_document_a_line() -> None:
    done = shellplay("--json", "-c", "new box; stats --watch=0.01 --count 2 box")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["kind"] for each in documents] == ["stats", "stats"]
    assert documents[0]["stats"][0]["container"] == "box"


def test_the_interrupt_key_ends_it_and_the_next_command_runs() -> None:
    words = [
        sys.executable,
        "-m",
        "shellplay",
        "-c",
        "new box; stats --watch 0.01; !echo after",
    ]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stdout is not None
        while "NAME" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out.splitlines()[-1]) == (0, "after")
    assert "interrupted" not in err


def test_a_recipe_gives_a_count(playground: Playground) -> None:
    around = playground.settings.surroundings
    playground.settings.surroundings = around.changed(output=2)
    printer = Printer(io.StringIO(), (err := io.StringIO()), color=False)
    assert Interpreter(playground, printer, Batch(printer)).run("stats --watch") == 1
    assert "stats --watch --count 3" in err.getvalue()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("stats --watch 0", '"0" is not a time span'),
        ("stats --count 0", '"0" is not a number of times'),
        ("stats --count", "--count needs N"),
        ("stats --watch box", "there is no container"),
    ],
)
def test_what_cannot_be_watched_is_refused(line: str, said: str) -> None:
    assert said in shellplay("-c", line).stderr


def test_the_menu_goes_on_behind_an_option_whose_value_may_be_left_out(
    container: Container, playground: Playground
) -> None:
    assert container.label in [each.text for each in complete("stats --watch ", playground)]
    assert container.label in [each.text for each in complete("stats --watch 5 ", playground)]
