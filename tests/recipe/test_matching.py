"""What an expected line matches, and what it binds."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shellplay.errors import UsageError
from shellplay.recipe.bindings import Binding, Bindings
from shellplay.recipe.match import match
from shellplay.recipe.pattern import literal
from shellplay.recipe.tag import TYPES
from tests.recipe.articles import LINE, PROPERTY, expect, matched

TABLE = """\
HOST PID    PPID  INSIDE  COMMAND
<pid:B1>  <pid:P>       1  bash
<pid:S1>  <pid:B1>  <int:I1>  sleep 1000
<pid:S2>  <pid:B1>  <int:I2>  sleep 1000"""
OUTPUT = """\
HOST PID    PPID  INSIDE  COMMAND
    4211    4200       1  bash
    4212    4211       7  sleep 1000
    4213    4211       8  sleep 1000
"""


def test_a_table_binds_its_cells() -> None:
    found = matched(TABLE, OUTPUT)
    assert found == {
        "B1": "4211", "P": "4200", "S1": "4212", "I1": "7", "S2": "4213", "I2": "8",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("4213    4211", "4213    4212"),
        ("4213    4211", "4212    4211"),
        ("4211    4200", "4211    4211"),
        ("HOST PID", "HOST  PID"),
        ("sleep 1000\n", "sleep 1001\n"),
        ("bash\n", "bash\nbash\n"),
        ("COMMAND\n", "COMMAND\n\n"),
        ("1  bash", "x  bash"),
    ],
)
def test_one_changed_place_is_noticed(old: str, new: str) -> None:
    assert matched(TABLE, OUTPUT.replace(old, new)) is None


@PROPERTY
@given(st.lists(st.integers(1, 9999999), min_size=4, max_size=4, unique=True), st.data())
def test_columns_may_be_of_any_width(pids: list[int], data: st.DataObject) -> None:
    gaps = st.integers(1, 9).map(" ".__mul__)
    rows = [(pids[1], pids[0], 1, "bash"), *((p, pids[1], p, "sleep 1000") for p in pids[2:])]
    lines = []
    for row in (("HOST PID", "PPID", "INSIDE", "COMMAND"), *rows):
        lines.append("".join(f"{data.draw(gaps)}{cell}" for cell in row) + data.draw(gaps))
    found = matched(TABLE, "\n".join(lines))
    assert found is not None
    assert found["B1"] == str(pids[1])


@PROPERTY
@given(st.lists(st.integers(1, 4), min_size=4, max_size=4))
def test_a_name_stands_for_one_value_and_others_for_others(values: list[int]) -> None:
    a, b, c, d = values
    fits = a == c and a != b and d not in (a, b)
    found = matched("<pid:A>\n<pid:B> <pid:A>\n<pid:D>", f"{a}\n{b} {c}\n{d}")
    assert (found is not None) == fits


@PROPERTY
@given(st.lists(LINE, max_size=5))
def test_literal_lines_match_themselves(lines: list[str]) -> None:
    expected = expect(*map(literal, lines))
    assert match(expected, "".join(f"{line}\n" for line in lines), Bindings()) is not None


@PROPERTY
@given(st.lists(LINE, min_size=1, max_size=5), st.data())
def test_a_literal_line_that_is_changed_matches_no_more(
    lines: list[str], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(lines) - 1))
    changed = [*lines]
    place = data.draw(st.integers(0, len(changed[at])))
    changed[at] = f"{changed[at][:place]}§{changed[at][place:]}"
    expected = expect(*map(literal, lines))
    assert match(expected, "".join(f"{line}\n" for line in changed), Bindings()) is None


@pytest.mark.parametrize(
    ("expected", "output", "fits"),
    [
        ("a b", "a b", True),
        ("a b", "  a b\t", True),
        ("  a b  ", "a b", True),
        ("a b", "a\tb", True),
        ("a b", "a  b", False),
        ("a b", "ab", False),
        ("a  b", "a b", True),
        ("a  b", "a \t  b", True),
        ("a  b", "ab", False),
        ("a <int> b", "a    1   b", True),
        ("a <int> b", "a 1b", False),
        ("a b <int>", "a  b 1", False),
        ("  a  b (lit)", "  a  b", True),
        ("  a  b (lit)", "a b", False),
        ("a (lit)", "a ", False),
        ("a  (lit)", "a ", True),
        ("(lit)", "\n", True),
        ("(lit)", "(lit)", False),
    ],
)
def test_blanks(expected: str, output: str, *, fits: bool) -> None:
    assert (matched(expected, output) is not None) == fits


@pytest.mark.parametrize(
    ("expected", "output", "fits"),
    [
        ("a.c", "abc", False),
        (r"a.\d+ (re)", "ab12", True),
        (r"a (re)", "ab", False),
        (r"a|ab (re)", "ab", True),
        (r"(?i)ABC (re)", "  abc ", True),
        (r"(?P<word>\w+)-(?P=word) (re)", "ab-ab", True),
        (r"(?P<word>\w+)-(?P=word) (re)", "ab-ac", False),
        (r"[[a] (re)", "a", True),
        (r"x=<int>|y=<int> (re)", "y=5", True),
        ("a*c (glob)", "abbbc", True),
        ("a*c (glob)", "abbbd", False),
        ("a?c (glob)", "abc", True),
        ("a?c (glob)", "ac", False),
        (r"a\*\?\\ (glob)", "a*?\\", True),
        (r"a\*c (glob)", "abc", False),
        ("[a-z] (glob)", "[a-z]", True),
        ("[a-z] (glob)", "b", False),
        ("*<int>* (glob)", "a 12 b", True),
        ("a*  b (glob)", "a-   b", True),
        ("* (glob)", "", False),
        ("<pid> (lit)", "<pid>", True),
        ("<pid> (lit)", "1", False),
        ("<PID> <pidd> <> <pid:1> <x>", "<PID> <pidd> <> <pid:1> <x>", True),
        ("... (lit)", "...", True),
        ("(re)", "x", False),
        ("f(x) (y)", "f(x) (y)", True),
        ("f ()", "f ()", True),
        ("(re) (lit)", "(re)", True),
    ],
)
def test_forms_of_lines(expected: str, output: str, *, fits: bool) -> None:
    assert (matched(expected, output) is not None) == fits


@pytest.mark.parametrize(
    ("expected", "fitting", "others"),
    [
        ("a (?)", ["", "a"], ["a\na", "b"]),
        ("a (*)", ["", "a", "a\na\na"], ["a\nb"]),
        ("a (+)", ["a", "a\na"], ["", "b"]),
        (r"\d (re*)", ["", "1\n2"], ["1\nx"]),
        ("a? (glob+)", ["ab", "ab\nac"], ["", "a"]),
        ("# (lit?)", ["", "#"], ["x"]),
        ("<int> (+)", ["1", "1\n2"], ["", "x"]),
        ("...", ["", "a", "a\nb"], []),
        ("a\n...", ["a", "a\nb"], ["", "b\na"]),
        ("...\na", ["a", "b\na", "a\na"], ["", "a\nb"]),
        ("...\na\n...\nb\n...", ["a\nb", "x\na\ny\nb\nz"], ["b\na", "a"]),
        ("a (*)\na\nb (?)\nc", ["a\nc", "a\na\na\nb\nc"], ["c", "a\nb\nb\nc"]),
        ("a\n\nb", ["a\n\nb", "a\n  \nb"], ["a\nb"]),
        ("  ...  ", ["a\nb"], []),
    ],
)
def test_how_many_lines(expected: str, fitting: list[str], others: list[str]) -> None:
    assert [matched(expected, output) for output in fitting] == [{}] * len(fitting)
    assert [matched(expected, output) for output in others] == [None] * len(others)


def test_nothing_expected_is_no_output() -> None:
    assert match((), "", Bindings()) is not None
    assert match((), "\n", Bindings()) is None


def test_any_lines_are_as_few_as_possible() -> None:
    assert matched("...\n<pid:A>\n...", "x\n1\n2\n") == {"A": "1"}


def test_a_choice_of_lines_is_reconsidered_if_a_later_line_says_otherwise() -> None:
    expected = "...\n<pid:A> bash\n...\n<pid> <pid:A> sleep"
    assert matched(expected, "1 bash\n2 bash\n3 2 sleep\n") == {"A": "2"}
    assert matched("...\n<pid:A>\n...\n3\n<pid:A>", "1\n2\n3\n2") == {"A": "2"}
    assert matched("...\n<pid:A>\n...\nx\n<pid:B>", "1\n2\nx\n1") == {"A": "2", "B": "1"}


def test_all_lines_of_a_quantifier_have_the_same_value_of_a_name() -> None:
    assert matched("<pid:A> (+)", "1\n1\n") == {"A": "1"}
    assert matched("<pid:A> (+)", "1\n2\n") is None


def test_any_text_ends_where_what_follows_fits_first() -> None:
    assert matched("<...:A>, <...:B>", "a, b, c") == {"A": "a", "B": "b, c"}
    assert matched("<...> <int:A> c", "1 2 b 3 c") == {"A": "3"}
    assert matched("x<...:A>", "x") == {"A": ""}
    assert matched("x<...:A>", "xy", A="z") is None


def test_a_value_is_never_a_part_of_a_longer_one() -> None:
    assert matched("<...><pid:A> x", "142 x", A="42") is None
    assert matched("<pid:A>", "142", A="14") is None
    assert matched("<pid:A>1", "421", A="42") is None
    assert matched(".*<pid:A> x (re)", "142 x", A="42") is None
    assert matched(".*<pid:A>.* (re)", "421 x", A="42") is None
    assert matched(".*<pid:A>.* (re)", "7 42 9", A="42") == {"A": "42"}


def test_regular_expressions_bind_and_compare() -> None:
    assert matched("<pid:A>-<pid:A> (re)", "12-12") == {"A": "12"}
    assert matched("<pid:A>-<pid:A> (re)", "12-123") is None
    assert matched("<word:W>|none (re)", "none") == {"W": "none"}
    assert matched("a<int:I>|b (re)", "b") == {}
    assert matched("<word:W>. (re)", "a+b!", W="a+b") == {"W": "a+b"}


def test_names_of_one_kind_of_thing_that_a_step_binds_differ() -> None:
    assert matched("<pid:A> <pid:B>", "1 1") is None
    assert matched("<ino:A>\n<ino:B>", "1\n1") is None
    assert matched("<int:A> <int:B>", "1 1") == {"A": "1", "B": "1"}
    assert matched("<pid:A> <ino:B>", "1 1") == {"A": "1", "B": "1"}
    assert matched("<pid:B>", "1", A="1") == {"A": "1", "B": "1"}


def test_distinct_names_differ_also_if_they_were_bound_before() -> None:
    assert matched("<int:A> <int:B>", "1 1", "A", "B") is None
    assert matched("<int:A> <int:B>", "1 2", "A", "B") == {"A": "1", "B": "2"}
    assert matched("<int:B>", "1", "A", "B", A="1") is None
    assert matched("x", "x", "A", "B", A="1", B="1") is None
    assert matched("x", "x", "A", "B", A="1") == {"A": "1"}


@pytest.mark.parametrize(
    ("name", "values", "others"),
    [
        ("pid", ["1", "4194304", "0"], ["-1", "", "a", "1.5"]),
        ("int", ["0", "-5", "+7", "42"], ["1.5", "x", "--1"]),
        ("num", ["0.25", "1", "-3,5"], ["1.", "."]),
        ("ino", ["4026531840"], ["x"]),
        ("time", ["00:00:00", "23:49", "1-02:03:04", "Nov24", "2026-11-24", "0:00.01"], ["12"]),
        ("time", ["2026-11-24T23:49:00Z", "2026-11-24 23:49:00.5+01:00", "100:00"], ["1:2"]),
        (
            "dur",
            ["5s", "200ms", "1m30s", "0m0.003s", "12 ms", "50µs", "2min"],
            ["5", "s", "5x"],
        ),
        ("tty", ["pts/0", "tty1", "?", "console", "tty"], ["x", "pts/"]),
        ("hex", ["0x1f", "DEADbeef", "0"], ["xyz", "0x"]),
        ("id", ["0123456789ab", "0123456789ab" + "0" * 52], ["0123456789abc", "0123456789"]),
        ("path", ["/", "/usr/bin", "./x", "../y", "~/z", "/a.b"], ["usr", "/a b", "/a."]),
        ("user", ["root", "nobody", "systemd+", "1000", "a.b", "x"], ["a b", ""]),
        ("host", ["web", "a-b.example.org", "7"], ["a_b", "-a", "a."]),
        ("word", ["web", "a-b", "x.y", "a", "é1", "a@b"], ["a b", "a,", "-a"]),
        ("version", ["6.18.2", "v2.0-rc1", "5.6"], ["6", "6."]),
        ("ip", ["127.0.0.1", "::1", "fe80::1"], ["1.2.3", "a:b", "x"]),
        ("mac", ["02:42:ac:11:00:02"], ["02:42:ac:11:00", "02:42:ac:11:00:0g"]),
    ],
)
def test_types(name: str, values: list[str], others: list[str]) -> None:
    for value in values:
        assert matched(f"<{name}:X>", value) == {"X": value}
        assert matched(f"x=<{name}:X>, y", f"x={value}, y") == {"X": value}
        assert matched(f"<...> <{name}:X>", f"z= {value}") == {"X": value}
        assert matched(f"=<{name}:X>!? (re)", f"={value}") == {"X": value}
    for value in others:
        assert matched(f"<{name}>", value) is None


def test_every_type_is_tested() -> None:
    (mark,) = test_types.pytestmark  # type: ignore[attr-defined]
    assert {name for name, _, _ in mark.args[1]} == set(TYPES)


@pytest.mark.parametrize(
    "output",
    [
        "a b\r\nc\r\n",
        "\x1b[1;31ma\x1b[0m b\nc",
        "\x1b]133;C;k=1\x07a b\x1b]0;title\x1b\\\nc\n",
        "\x1bPx\x1b\\a b\x1b(B\x0f\nc\x07",
        "10%\r20%\ra b\nc\r\r\n",
    ],
)
def test_what_a_terminal_does_not_show_does_not_count(output: str) -> None:
    assert matched("a b\nc", output) == {}


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert matched("a\ufffdb", "a\udc80b") == {}


def test_a_binding_knows_the_line_that_bound_it() -> None:
    found = match(expect("x", "<pid:A>"), "x\n7", Bindings())
    assert found is not None
    assert found["A"] == Binding("7", 2)
    assert str(found) == "A=7 from line 2"


def test_values_take_the_place_of_tags_in_a_command() -> None:
    known = Bindings().bind("A", "7").bind("B", "/x y")
    assert known.substitute("kill <pid:A> <int:A>; cd <...:B>") == "kill 7 7; cd /x y"
    assert known.substitute("echo <pid> <x:A> <pid :A>") == "echo <pid> <x:A> <pid :A>"
    with pytest.raises(UsageError, match="<pid:C> is bound to no value"):
        known.substitute("kill <pid:C>")


def naive(items: list[str], lines: list[str], known: dict[str, str]) -> bool:
    """Say whether lines match by trying everything; the oracle of the next test."""
    if not items:
        return not lines
    item, rest = items[0], items[1:]
    if item == "...":
        return any(naive(rest, lines[at:], known) for at in range(len(lines) + 1))
    text, _, mark = item.partition(" ")
    if mark in ("(?)", "(*)") and naive(rest, lines, known):
        return True
    if not lines:
        return False
    after = dict(known)
    if tag := re.fullmatch("<pid:(.)>", text):
        taken = {value for name, value in known.items() if name != tag[1]}
        if lines[0] in taken or known.get(tag[1], lines[0]) != lines[0]:
            return False
        after[tag[1]] = lines[0]
    elif text not in ("<pid>", lines[0]):
        return False
    again = [f"{text} (*)", *rest] if mark in ("(*)", "(+)") else rest
    return naive(again, lines[1:], after)


@settings(PROPERTY, max_examples=600)
@given(
    st.lists(
        st.sampled_from(
            ["...", "...", *map(" ".join, itertools.product(
                ["1", "2", "<pid>", "<pid:A>", "<pid:B>"], ["(?)", "(*)", "(+)"]
            )), *["1", "2", "<pid>", "<pid:A>", "<pid:B>"] * 4]
        ),
        max_size=6,
    ),
    st.lists(st.sampled_from("123"), max_size=7),
)  # fmt: skip
def test_a_match_is_found_whenever_there_is_one(items: list[str], lines: list[str]) -> None:
    found = match(expect(*items), "".join(f"{line}\n" for line in lines), Bindings())
    assert (found is not None) == naive(items, lines, {})
