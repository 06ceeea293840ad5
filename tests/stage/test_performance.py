"""A whole recipe: what is bound, repeated, skipped, run always; and when it ends."""

from __future__ import annotations

import time

import pytest

from shellplay.stage.report.report import Report, Verdict
from tests.stage.recipes import performed

pytestmark = pytest.mark.everyone


def verdicts(report: Report) -> list[Verdict]:
    return [step.verdict for step in report.steps]


def test_a_value_that_was_bound_is_expected_and_can_be_used_later() -> None:
    report = performed(
        """\
        play> new web
        web: bash started (PID <pid:B>), nothing fenced yet
        in> echo $$
        <pid:B>
        host$ cat /proc/<pid:B>/comm
        bash
        """
    )
    assert report.verdict is Verdict.PASSED
    ((name, value, line),) = report.bindings
    assert (name, value.isdigit(), line) == ("B", True, 9)


def test_another_value_than_the_bound_one_is_a_difference() -> None:
    report = performed(
        """\
        host$ echo 1
        <int:N>
        host$ echo 2
        <int:N>
        host$ echo not reached
        """
    )
    assert report.verdict is Verdict.DIFFERED
    assert report.line == 10
    assert report.steps[-1].difference == ("-<int:N>", "+2")
    assert len(report.steps) == 2


def test_names_that_must_differ_do() -> None:
    report = performed(
        """\
        host$ echo 1; echo 1
        <int:A>
        <int:B>
        % distinct: A B
        host$ true
        """
    )
    assert verdicts(report) == [Verdict.PASSED, Verdict.DIFFERED]


def test_an_exit_status_is_compared() -> None:
    assert performed("host$ exit 3\n[3]\n").verdict is Verdict.PASSED
    report = performed("host$ exit 3\n")
    assert report.verdict is Verdict.DIFFERED
    assert report.reason == "exit status 3 came, 0 was expected"
    assert report.steps[0].difference == ("-[0]", "+[3]")


def test_a_step_is_repeated_until_it_is_as_expected() -> None:
    report = performed(
        """\
        host$ (sleep 0.3; touch there) >/dev/null 2>&1 &
        % eventually: 20s
        host$ ls
        there
        """
    )
    assert report.verdict is Verdict.PASSED


def test_a_step_is_not_repeated_for_ever() -> None:
    report = performed(
        """\
        % eventually: 200ms
        host$ echo a
        b
        """
    )
    assert report.verdict is Verdict.DIFFERED
    assert report.reason == "not as expected for 0.2 seconds"


def test_after_a_failure_only_what_is_run_always_is_run() -> None:
    report = performed(
        """\
        host$ echo a
        b
        host$ touch reached
        % always
        host$ ls
        """
    )
    assert verdicts(report) == [Verdict.DIFFERED, Verdict.PASSED]
    assert report.line == 8


def test_a_step_can_be_skipped_with_its_reason() -> None:
    report = performed("% skip: not today\nhost$ false\nhost$ true\n")
    assert verdicts(report) == [Verdict.SKIPPED, Verdict.PASSED]
    assert report.steps[0].reason == "not today"
    assert report.verdict is Verdict.PASSED


def test_a_step_can_be_for_some_machines_only(who: str) -> None:
    report = performed(
        "% only: root\nhost$ id -u\n0\n% only: ordinary\nhost$ [ $(id -u) != 0 ]\n"
    )
    passed, skipped = Verdict.PASSED, Verdict.SKIPPED
    assert verdicts(report) == ([passed, skipped] if who == "root" else [skipped, passed])


def test_a_recipe_all_of_whose_steps_are_skipped_is_skipped() -> None:
    assert performed("% skip: not today\nhost$ false\n").verdict is Verdict.SKIPPED


def test_a_need_that_nobody_knows_is_an_error_of_the_recipe() -> None:
    report = performed("% only: rot\nhost$ true\n")
    assert report.verdict is Verdict.BAD
    assert 'unknown need "rot" (did you mean "root"?)' in report.reason


def test_a_tag_that_was_never_bound_is_an_error_of_the_recipe() -> None:
    report = performed("% skip: not today\nhost$ echo 1\n<int:N>\nhost$ echo <int:N>\n")
    assert report.verdict is Verdict.BAD


def test_a_step_that_goes_on_times_out() -> None:
    report = performed("play> new web\n...\n% timeout: 3s\nin> echo a; sleep 1000\na\n")
    assert report.verdict is Verdict.TIMED_OUT
    assert report.reason == "it went on after 3 seconds, so it was interrupted"
    assert report.steps[-1].difference == (" a", "+^C")
    assert [label for label, _ in report.terminals] == ["web"]


def test_a_recipe_that_goes_on_times_out_as_a_whole_and_still_runs_what_it_must() -> None:
    began = time.monotonic()
    report = performed(
        """\
        host$ true
        host$ sleep 1000
        % always
        host$ echo last
        last
        """,
        total_timeout='"3s"',
    )
    assert time.monotonic() - began < 30
    assert verdicts(report) == [Verdict.PASSED, Verdict.TIMED_OUT, Verdict.PASSED]
    assert report.reason == "the 3 seconds of the whole recipe are over"


def test_keys_wait_for_what_is_expected_of_them() -> None:
    report = performed(
        """\
        play> new web
        ...
        key> "sleep 0.3; echo so$((40 + 2))" Enter
        ...
        so42
        ...
        """
    )
    assert report.verdict is Verdict.PASSED


def test_keys_that_do_not_do_what_is_expected_differ() -> None:
    report = performed('play> new\n...\n% timeout: 300ms\nkey> "a"\nb\n')
    assert report.verdict is Verdict.DIFFERED


def test_a_notice_may_be_expected_of_the_step_that_caused_it_or_left_out() -> None:
    block = """\
        play> new web
        web: bash started (PID <pid:B>), nothing fenced yet
        play> kill -9 <pid:B>
        web: SIGKILL sent to <pid:B>
        """
    told = "        web: bash <pid:B> has exited (restart or rm web)\n"
    for lines in (block, block + told):
        assert performed(lines).verdict is Verdict.PASSED
    assert performed(block + "        something else\n").verdict is Verdict.DIFFERED
