"""What the lines of an article mean."""

from __future__ import annotations

import pytest

from shellplay.recipe.document import (
    Actor,
    Block,
    Comment,
    Conditions,
    Direction,
    Needs,
    Prose,
)
from shellplay.recipe.parse import parse
from tests.recipe.articles import FENCE, article, steps


def texts(block: str) -> list[list[str]]:
    """Return what each step of a block expects."""
    return [[each.text for each in step.expected] for step in steps(block)]


def test_every_actor_is_known() -> None:
    found = steps("play> ps host\nin> ls -l\nin[db]> ls\nhost$ id\nkey> C-c Enter\n")
    assert [(step.actor, step.container, step.text) for step in found] == [
        (Actor.PLAY, None, "ps host"),
        (Actor.IN, None, "ls -l"),
        (Actor.IN, "db", "ls"),
        (Actor.HOST, None, "id"),
        (Actor.KEY, None, "C-c Enter"),
    ]


def test_a_command_is_kept_as_it_is_with_all_its_blanks() -> None:
    assert steps("in>   a  b \n")[0].text == "  a  b "


def test_a_step_goes_on_in_continuation_lines() -> None:
    (step,) = steps("in> cat <<E\n>   a\n>\n> > b\n> E\n  a\n")
    assert step.text == "cat <<E\n  a\n\n> b\nE"
    assert (step.line, step.first, step.last) == (FENCE + 1, FENCE + 6, FENCE + 7)


def test_the_exit_status_is_the_last_line_of_a_step() -> None:
    found = steps("in> false\n[1]\nin> true\nin> true\n[0]\nin> exit 130\nbye\n[130]\n")
    assert [step.status for step in found] == [1, 0, 0, 130]


def test_the_exit_status_can_be_a_condition() -> None:
    assert steps("% status: 3\nin> exit 3\n")[0].status == 3


@pytest.mark.parametrize("line", ["[1]+  Done", "[01]", " [1]", "[1] (lit)", "[x]", "[-1]"])
def test_what_only_looks_like_an_exit_status_is_output(line: str) -> None:
    assert texts(f"in> x\n{line}\n") == [[line]]


@pytest.mark.parametrize(
    "line",
    [
        "play> x",
        "in[a]> y",
        "> z",
        ">",
        "# x",
        "#",
        "% x",
        "%",
        "plai> x",
        "play>x",
        "[7]",
        "...",
    ],
)
def test_lit_makes_output_of_every_line(line: str) -> None:
    assert texts(f"in> x\n{line} (lit)\n") == [[f"{line} (lit)"]]


@pytest.mark.parametrize(
    "line",
    ["#!/bin/sh", "%CPU", ">>", "mysql> x", "root@web:/# x", "C:\\> x", "bash$ x", " play> x"],
)
def test_output_that_looks_like_no_line_of_a_recipe_needs_no_escape(line: str) -> None:
    assert texts(f"in> x\n{line}\n") == [[line]]


def test_empty_lines_around_steps_are_layout_and_within_output_they_are_output() -> None:
    block = "\nin> x\n\na\n\nb\n\n\n% always\n\nin> y\n\n# c\n\nin> z\n"
    assert texts(block) == [["", "a", "", "b"], [], []]


def test_an_empty_line_before_the_exit_status_is_output() -> None:
    assert texts("in> x\n\n[1]\n") == [[""]]


def test_comments_are_kept_and_belong_to_no_step() -> None:
    (block,) = parse(article("# one\n% always\n#\nin> x\n#  two\n")).parts
    assert isinstance(block, Block)
    assert [type(item).__name__ for item in block.items] == ["Comment"] * 2 + [
        "Step",
        "Comment",
    ]
    assert [c.text for c in block.items if isinstance(c, Comment)] == ["one", "", " two"]


def test_conditions_hold_for_the_next_step_alone() -> None:
    first, second = steps(
        "% timeout: 200ms\n% eventually: 3s\n%   always\n% skip: not today: no\n"
        "% only: root  net\n% pause: 0s\n% type: 0.05\n% distinct: A B\n"
        "in> x\n<pid:A> <pid:B>\nin> y\n"
    )
    assert first.conditions == Conditions(
        timeout=0.2,
        eventually=3,
        always=True,
        skip="not today: no",
        only=("root", "net"),
        pause=0,
        type=0.05,
        distinct=("A", "B"),
    )
    assert second.conditions == Conditions()


def test_a_header_says_it_all() -> None:
    header = """
title = "A \\"title\\""
needs = { any = ["root", "userns"], all = ["net"] }
programs = ["bash"]
kernel = ">=5.6"
network = true
images = true
timeout = 2.5
total_timeout = "2m"
cols = 100
rows = 30
tags = ["x"]
slow = true
[env]
LANG = "C"
"""
    found = parse(article("", header)).header
    assert found.title == 'A "title"'
    assert found.needs == Needs(all=("net",), any=("root", "userns"))
    assert (found.timeout, found.total_timeout) == (2.5, 120)
    assert (found.columns, found.rows, found.kernel) == (100, 30, ">=5.6")
    assert (found.programs, found.tags, found.environment) == (("bash",), ("x",), {"LANG": "C"})
    assert found.network
    assert found.images
    assert found.slow


def test_prose_directions_and_blocks_follow_each_other() -> None:
    text = (
        "+++\nshellplay = 1\n+++\n\n# Title\n\ntext\n\n<!-- play: pause 2s -->\n"
        "<!--play:pause-->\n<!-- play: type 40ms -->\n"
        "```shellplay hidden\nplay> ps\n```\nmore\n"
    )
    parts = parse(text).parts
    assert parts == (
        Prose("# Title\n\ntext"),
        Direction("pause", 2),
        Direction("pause"),
        Direction("type", 0.04),
        Block(tuple(steps("play> ps\n")), "hidden"),
        Prose("more"),
    )
    assert [part.line for part in parts] == [5, 9, 10, 11, 12, 15]


@pytest.mark.parametrize(
    "prose",
    [
        "~~~~markdown\n```shellplay\nplay> ps\n```\n<!-- play: x -->\n~~~~",
        "````\n```shellplay\n```\n````",
        "```sh\nplay> ps\n```",
        "```sh shellplay\n```",
        "``` `shellplay` is not the start of a block",
        "    ```shellplay",
        "text ```shellplay",
        "text <!-- play: clear -->",
        "<!-- a comment -->",
    ],
)
def test_other_markdown_is_prose(prose: str) -> None:
    assert parse(f"+++\nshellplay = 1\n+++\n{prose}\n").parts == (Prose(prose),)


@pytest.mark.parametrize("fence", ["```", "````", "~~~"])
def test_a_block_ends_where_markdown_says(fence: str) -> None:
    inner = "~~~" if fence == "```" else "```"
    text = f"+++\nshellplay = 1\n+++\n{fence}shellplay\nin> x\n{inner}\n{fence} \nmore"
    block, prose = parse(text).parts
    assert isinstance(block, Block)
    (step,) = parse(text).steps
    assert [each.text for each in step.expected] == [inner]
    assert prose == Prose("more")


def test_a_byte_order_mark_is_no_part_of_the_header() -> None:
    assert parse("\ufeff" + article("play> ps\n")) == parse(article("play> ps\n"))


def test_a_bound_name_can_be_used_in_commands_and_an_unnamed_tag_is_text_there() -> None:
    found = steps("in> x\n<pid:A> <...:B>\nhost$ echo <int:A> <...:B> '<pid>'\n")
    assert found[1].text == "echo <int:A> <...:B> '<pid>'"
