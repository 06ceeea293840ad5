"""The small languages beside the recipes: -k, keys, needs; and prose as events."""

from __future__ import annotations

import os
import platform
from dataclasses import replace

import pytest

from shellplay.cast.events import Heading, Narration
from shellplay.cast.narration import narrate
from shellplay.commands.requirements import NEEDS, unmet, why_not
from shellplay.errors import UsageError
from shellplay.kernel.cgroup.hierarchies import CONTROLLERS
from shellplay.recipe.document import Header, Needs, Prose
from shellplay.stage.name_filter import parse_filter
from shellplay.stage.perform.key_names import parse_keys
from shellplay.stage.record.value_tags import KnownValues, tag_values
from shellplay.stage.report.report import Report, Verdict, exit_status
from shellplay.stage.report.text import line
from tests.fences.limited import refused


@pytest.mark.parametrize(
    ("expression", "name", "chosen"),
    [
        ("pid", "A PID fence", True),
        ("not pid", "a pid fence", False),
        ("pid and slow", "pid", False),
        ("pid or slow", "slow", True),
        ("not pid or pid", "pid", True),
        ("not (pid or slow)", "uts", True),
        ("a and not b or c and not d", "c", True),
        ("a and not b or c and not d", "c d", False),
    ],
)
def test_an_expression_chooses_names(expression: str, name: str, *, chosen: bool) -> None:
    assert parse_filter(expression)(name) is chosen


@pytest.mark.parametrize(
    "expression", ["", "(", ")", "a b", "a and", "or a", "not", "(a", "a)"]
)
def test_an_expression_that_is_not_complete_is_refused(expression: str) -> None:
    with pytest.raises(UsageError, match="-k"):
        parse_filter(expression)


def test_keys_are_what_a_terminal_sends() -> None:
    assert parse_keys('"a b\\"c" Enter C-c C-] Tab') == [
        b'a b"c',
        b"\r",
        b"\x03",
        b"\x1d",
        b"\t",
    ]
    assert parse_keys('"é"Up') == ["é".encode(), b"\x1b[A"]


@pytest.mark.parametrize("text", ["Entr", "C-", "C-cc", '"open', "c"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a key"):
        parse_keys(text)


@pytest.mark.parametrize("word", NEEDS)
def test_every_need_is_met_or_not_for_a_reason(word: str) -> None:
    assert why_not(word) is None or len(why_not(word) or "") > 10


@pytest.mark.everyone
def test_needs_tell_who_runs_it(who: str) -> None:
    root = who == "root"
    assert (why_not("root") is None) is root
    assert (why_not("ordinary") is None) is not root
    either = Header(needs=Needs(any=("root", "ordinary")))
    assert unmet(either) is None
    both = unmet(Header(needs=Needs(all=("root", "ordinary"))))
    assert both
    assert "needs" in both


def test_a_kernel_a_program_and_a_network_can_be_needed() -> None:
    release = platform.release()
    assert unmet(Header(kernel=">=4, <100")) is None
    assert unmet(Header(kernel=f"=={'.'.join(release.split('.')[:2])}")) is None
    assert unmet(Header(kernel=">=100")) == f"the kernel is {release}, and it needs >=100"
    assert unmet(Header(programs=("sh",))) is None
    assert unmet(Header(programs=("sh", "no-such"))) == "there is no no-such"
    assert unmet(Header(network=True)) in (None, "there is no way to the network")
    for wrong in ("5.10", "new", ">=5 <7"):
        with pytest.raises(UsageError, match="names no kernels"):
            unmet(Header(kernel=wrong))


@pytest.mark.everyone
# The fence io takes a disk, too.
@pytest.mark.parametrize("controller", [each for each in CONTROLLERS if each != "io"])
def test_a_limit_is_a_need_that_is_met_where_the_fence_goes_up(controller: str) -> None:
    assert (why_not(controller) is None) is (refused(controller) is None)


def test_prose_is_headings_and_what_stands_between_them() -> None:
    text = "# One #\n\nText,\nmore.\n\n```sh\n# no heading\n```\n\n## Two\n\n### Three\nend\n"
    assert list(narrate(Prose(text), 1.5)) == [
        Heading(1.5, "One", 1),
        Narration(1.5, "Text,\nmore.\n\n```sh\n# no heading\n```"),
        Heading(1.5, "Two", 2),
        Heading(1.5, "Three", 3),
        Narration(1.5, "end"),
    ]


def test_the_worst_decides_what_to_exit_with() -> None:
    def status(*verdicts: Verdict) -> int:
        return exit_status([Report("a", "", verdict) for verdict in verdicts])

    passed, skipped = Verdict.PASSED, Verdict.SKIPPED
    assert [status(each) for each in Verdict] == [0, 1, 124, 2, 80]
    assert status(passed, skipped) == 0
    assert status(skipped, skipped) == 80
    assert status(passed, Verdict.DIFFERED, Verdict.TIMED_OUT) == 124
    assert status(*Verdict) == 2


def test_known_values_become_tags_and_nothing_else_does() -> None:
    known = KnownValues(
        host=frozenset({"4211"}),
        inside=frozenset({"3"}),
        inodes=frozenset({"4026531836"}),
        ids=frozenset({"0123456789ab"}),
    )
    assert tag_values("web: pid:[4026531836], 4211 on the host", known) == (
        "web: pid:[<ino>], <pid> on the host"
    )
    assert (
        tag_values("0123456789ab: 42110, x4211, 42.4211", known)
        == "<id>: 42110, x4211, 42.4211"
    )
    assert tag_values("      3 pts/0  3 x", known) == "      <pid> pts/0  3 x"
    assert tag_values("[1] 3", known) == "[1] <pid>"
    assert tag_values("3rd", known) == "3rd"


def test_a_report_from_inside_cannot_write_to_the_terminal() -> None:
    wicked = Report("a\x1b[2Jb", "", Verdict.BAD, "c\x1b]0;d\x07\ne")
    assert line(wicked) == r"BAD      a\x1b[2Jb  c\x1b]0;d\x07 e"
    assert "\x1b[31m" in line(replace(wicked, path="a"), color=True)
    assert os.linesep not in line(wicked)
