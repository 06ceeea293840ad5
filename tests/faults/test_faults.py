"""A call that fails ends in one sentence, and leaves nothing: a sample of the sweep.

``python -m tests.faults`` lets each call fail on each way, see docs/testing.md.
"""

from __future__ import annotations

import pytest

from tests.faults.ways import calls_on, fault, sample

pytestmark = pytest.mark.root

# How many calls of a kind fail, evenly from the first to the last: they take half a minute.
SAMPLES = {
    ("new", "open"): 6,
    ("new", "fork"): 2,
    ("new", "thread"): 1,
    ("new", "socketpair"): 2,
    ("new", "send"): 3,
    ("new", "write"): 2,
    ("pid", "open"): 3,
    ("pid", "fork"): 1,
    ("run", "mount"): 3,
    ("run", "socketpair"): 2,
    ("record", "write"): 2,
}


@pytest.mark.parametrize(("way", "kind"), SAMPLES)
def test_a_call_that_fails_is_told_and_nothing_is_left(way: str, kind: str) -> None:
    calls = calls_on(way, kind)
    assert calls, "there is nothing that could fail"
    failed = 0
    for nth in sample(calls, SAMPLES[way, kind]):
        found = fault(way, kind, nth)
        assert found.wrong == (), str(found)
        # The last calls of a run are not made in each run.
        failed += bool(found.outcome.failed)
    assert failed


@pytest.mark.parametrize("kind", ["fork", "pipe", "socketpair", "thread"])
def test_calls_that_go_on_failing_are_told_and_nothing_is_left(kind: str) -> None:
    found = fault("new", kind, 1, lasting=True)
    assert found.wrong == (), str(found)
    assert found.outcome.status == 1
    assert len(found.outcome.stderr.splitlines()) == 1
