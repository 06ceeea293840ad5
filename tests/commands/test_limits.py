"""The words of limits, and what limit, stats, pause and resume print."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from shellplay.cmdline.argument_types.fences import FenceWords
from shellplay.cmdline.completion import complete
from shellplay.errors import UsageError
from shellplay.fences import ORDER, REGISTRY, Limit
from shellplay.playground.playground import Playground
from tests.fences.limited import refused
from tests.repl.program import shellplay

WORDS = FenceWords("KIND", "fences")


@pytest.fixture
def limited() -> None:
    """Skip where processes cannot be limited, or not by us."""
    if why := refused("pids"):
        pytest.skip(why)


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("memory 64M", {"memory": {"max": "64M"}}),
        ("memory max=64M swap=1M", {"memory": {"max": "64M", "swap": "1M"}}),
        ("memory 64M swap=1M", {"memory": {"max": "64M", "swap": "1M"}}),
        ("memory 64M cpu 0.5 pids 50", {"memory": {"max": "64M"}, "cpu": {"cpus": "0.5"},
                                        "pids": {"max": "50"}}),
        ("io read=1M write=2M", {"io": {"read": "1M", "write": "2M"}}),
        ("caps docker cpuset 0-1", {"caps": {"preset": "docker"}, "cpuset": {"cpus": "0-1"}}),
        ("uts pids 50", {"uts": {}, "pids": {"max": "50"}}),
    ],
)  # fmt: skip
def test_a_value_alone_belongs_to_the_limit_before_it(
    line: str, given: dict[str, dict[str, str]], playground: Playground
) -> None:
    made = WORDS.parse(line.split(), playground)
    assert {each.kind: each.given() for each in made.fences} == given


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("memory pids 50", r"fence memory needs a value \(fence memory 64M\)"),
        ("memory lots", "'lots' is not an amount"),
        ("memory -1", "'-1' is not an amount"),
        ("memory -64M", "'-64M' is not an amount"),
        ("cpu -0.5", "'-0.5' is not a number"),
        ("pids -5", "'-5' is not a number of processes"),
        ("memory 64M 128M", 'unknown fence "128M"'),
        ("uts 64M", 'unknown fence "64M"'),
    ],
)
def test_a_value_that_belongs_to_none_is_refused(
    line: str, said: str, playground: Playground
) -> None:
    with pytest.raises(UsageError, match=said):
        WORDS.parse(line.split(), playground)


def test_limit_offers_limits_and_their_options(playground: Playground) -> None:
    limits = [kind for kind in ORDER if issubclass(REGISTRY[kind], Limit)]
    assert [each.text for each in complete("limit ", playground)] == limits
    offered = [each.text for each in complete("limit io ", playground)]
    assert offered[:3] == ["read=", "write=", "device="]
    assert "memory" in [each.text for each in complete("fence uts ", playground)]


@pytest.mark.usefixtures("limited")
def test_a_limit_goes_up_changes_and_comes_off_in_sentences() -> None:
    done = shellplay("-c", "new box; fence pids 50; limit pids 60; peel pids")
    said = [line.partition(", bash")[0] for line in done.stderr.splitlines()][1:]
    assert said == [
        "box: pids fence is up: 50",
        "box: pids limit is now 60",
        "box: pids fence is off: no limit",
    ]
    assert done.returncode == 0


@pytest.mark.usefixtures("limited")
def test_stats_has_a_table_and_a_document() -> None:
    done = shellplay("-c", "new box; fence pids 50; stats; stats --json")
    lines = done.stdout.splitlines()
    title, row = next(pair for pair in pairwise(lines) if pair[0].startswith("NAME"))
    assert title.split()[:3] == ["NAME", "PIDS", "REFUSED"]
    assert row.split()[:4] == ["box", "1", "/", "50"]
    (found,) = json.loads(lines[-1])["stats"]
    assert (found["container"], found["processes"], found["pids_limit"]) == ("box", 1, "50")
    assert (found["memory_limit"], found["forks_refused"], found["paused"]) == (None, 0, False)


def test_stats_without_a_container_says_how_to_make_one() -> None:
    assert shellplay("-c", "stats").stdout == "no containers (new makes one)\n"


@pytest.mark.usefixtures("limited")
def test_pause_and_resume_say_so_and_a_paused_bash_takes_no_line() -> None:
    done = shellplay("-k", "-c", "new box; pause; containers; in echo no; resume; in echo yes")
    assert "box: paused, 1 process frozen" in done.stderr
    assert "paused" in done.stdout.split("FENCES")[1]
    assert "box is paused (resume box)" in done.stderr
    assert done.stderr.endswith("box: goes on\n")
    assert done.stdout.endswith("yes\n")
