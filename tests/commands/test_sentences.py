"""Sentences that more than one command says."""

from __future__ import annotations

from shellplay.cmdline.phrases import started
from shellplay.model import Job


def test_a_job_is_told_by_its_number_and_both_of_its_pids() -> None:
    assert started(Job(1, 4242, (4242, 7), "sleep 9")) == "[1] 4242 on the host, 7 inside"
    assert started(Job(None, 4242, (4242,), "sleep 9")) == "4242 on the host"


def test_of_a_job_that_was_faster_than_we_are_no_pid_is_invented() -> None:
    assert started(Job(2, None, (7,), "true")) == "[2] has ended already"
