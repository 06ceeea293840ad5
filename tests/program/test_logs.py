"""logs and wait: with the options of docker logs, and for several containers."""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime

import pytest

from shellplay.playground.playground import Playground
from shellplay.shell.scrollback import Scrollback
from tests.program.conftest import Run
from tests.waiting import wait_until

pytestmark = pytest.mark.everyone
STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) (.*)")


def ended(run: Run, script: str, name: str = "z") -> None:
    """Run a script to its end, in the background."""
    assert run(f"run -dq --name {name} --network none host sh -c '{script}'").status == 0
    assert run(f"wait {name}").status == 0


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ("", ["1", "2", "3", "4"]),
        ("--tail 2", ["3", "4"]),
        ("-n 1", ["4"]),
        ("--tail=0", []),
        ("--tail 99", ["1", "2", "3", "4"]),
        ("--tail all", ["1", "2", "3", "4"]),
        ("-f --tail 1", ["4"]),
    ],
)
def test_so_many_lines_are_shown(run: Run, options: str, lines: list[str]) -> None:
    ended(run, "seq 4")
    assert run(f"logs {options} z").told.split() == lines


def test_a_line_without_an_end_is_one(run: Run) -> None:
    ended(run, 'printf "one\\\\ntwo"')
    assert run("logs -n 1 z").told == "two\n"


def test_the_time_stands_before_each_line(run: Run) -> None:
    before = time.time()
    ended(run, "echo one; sleep 1.1; echo two")
    found = [STAMP.fullmatch(line) for line in run("logs -t z").told.splitlines()]
    stamps = [
        datetime.fromisoformat(each[1][:26]).replace(tzinfo=UTC).timestamp()
        for each in found
        if each
    ]
    assert [each[2] for each in found if each] == ["one", "two"]
    assert before - 1 <= stamps[0] < stamps[1] - 0.9 <= time.time()


def test_lines_may_be_chosen_by_their_time(run: Run) -> None:
    ended(run, "echo one; sleep 1.5; echo two")
    (second,) = (line for line in run("logs -t z").told.splitlines() if line.endswith("two"))
    moment = second.split()[0]
    since = datetime.fromisoformat(moment[:26]).replace(tzinfo=UTC).timestamp() - 0.5
    iso = datetime.fromtimestamp(since, UTC).isoformat()
    assert run(f"logs --since {since:.3f} z").told == "two\n"
    assert run(f"logs --since {iso} z").told == "two\n"
    assert run(f"logs --until {since:.3f} z").told == "one\n"
    assert run("logs --since 1h30m z").told == "one\ntwo\n"
    assert run("logs --until 1h z").told.strip() == ""


@pytest.mark.parametrize(
    "line", ["logs --tail some z", "logs --since never z", "logs --since 5x z"]
)
def test_what_is_no_number_and_no_time_is_refused(run: Run, line: str) -> None:
    ended(run, "true")
    assert run(line).status == 2


def test_follow_shows_what_comes_until_the_end(run: Run, playground: Playground) -> None:
    script = "echo first; while [ ! -e /tmp/go ]; do sleep 0.1; done; seq 3; exit 4"
    run(f"run -dq --name z --network none host sh -c '{script}'")
    wait_until(lambda: "first" in playground.find("z").logs(), "its output")
    told: list[str] = []
    follower = threading.Thread(target=lambda: told.append(run("logs -f z").told))
    follower.start()
    assert told == []
    playground.find("z").exec(["touch", "/tmp/go"], terminal=False)
    follower.join(30)
    assert told[0].split()[:4] == ["first", "1", "2", "3"]


def test_several_containers_are_waited_for(run: Run) -> None:
    for number, name in enumerate(("a", "b", "c")):
        run(
            f"run -dq --name {name} --network none host sh -c 'sleep 0.{number}; exit {number}'"
        )
    said = run("wait c a b")
    statuses = [line for line in said.told.splitlines() if "exit status" in line]
    assert statuses == [
        f"{name}: exit status {n}" for name, n in (("c", 2), ("a", 0), ("b", 1))
    ]
    assert run("wait a nowhere").status == 1


def test_a_scrollback_counts_what_it_has_forgotten() -> None:
    kept = Scrollback()
    kept.keep(10)
    kept.append(b"12345\n")
    _, position = kept.text_after(0)
    kept.append(b"67890\n")
    assert kept.text_after(position) == (b"67890\n", 12)
    assert kept.text() == b"345\n67890\n"
    kept.append(b"x" * 30)
    assert kept.text_after(position) == (b"x" * 10, 42)
    lines, position = kept.lines()
    assert [text for _, text in lines] == [b"x" * 10]
    assert position == 42
