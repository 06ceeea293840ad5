"""The tokenizer: words, quotes, comments, segments, raw rests and their positions."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shellplay.cmdline.tokenizer import Grammar, Segment, segments, split
from shellplay.errors import UsageError

OPTIONS = {"--timeout": True, "-c": True, "--quiet": False}
GRAMMAR = Grammar(
    rest_options=lambda name: OPTIONS if name in ("in", "!") else None,
    is_command=lambda name: name in ("ps", "fences", "kill"),
)


def shape(text: str) -> list[tuple[list[str], str | None]]:
    found = segments(text, GRAMMAR)
    return [([w.text for w in s.words], s.rest.text if s.rest else None) for s in found]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fence uts hostname='my web'", ["fence", "uts", "hostname=my web"]),
        ('use "a\\"b"', ["use", 'a"b']),
        ("use a\\ b", ["use", "a b"]),
        ("  use\tweb  ", ["use", "web"]),
        ("use ''", ["use", ""]),
        ("use web # the first", ["use", "web"]),
        ("use we#b", ["use", "we#b"]),
    ],
)
def test_quotes_and_comments_work_as_in_bash(line: str, words: list[str]) -> None:
    assert shape(line) == [(words, None)]


def test_semicolons_and_line_ends_separate_commands() -> None:
    assert shape("ps; fences\nps host;;") == [
        (["ps"], None),
        (["fences"], None),
        (["ps", "host"], None),
    ]


def test_an_empty_line_is_no_command() -> None:
    assert shape(" ; # nothing\n\n") == []


@pytest.mark.parametrize(
    ("line", "rest", "more"),
    [
        (
            "in for i in 1 2; do ps; kill $i; done; fences",
            "for i in 1 2; do ps; kill $i; done",
            1,
        ),
        ("in case x in x) ps; ps;; esac; fences", "case x in x) ps; ps;; esac", 1),
        ("in f() { ps; kill; }; fences", "f() { ps; kill; }", 1),
        ("in (cd /; ps); fences", "(cd /; ps)", 1),
        ("in cd /tmp; pwd", "cd /tmp; pwd", 0),
        ("in echo 'a; ps'; fences", "echo 'a; ps'", 1),
        ("in 'cd /tmp; ps'", "cd /tmp; ps", 0),
        ("in --timeout 5 make; fences", "make", 1),
        ("in -c web --quiet ls -l", "ls -l", 0),
        ("in -- -x; fences", "-x", 1),
        ("in echo ${#x} $# a#b # c; ps", "echo ${#x} $# a#b", 0),
        ("!ls -l; wc", "ls -l; wc", 0),
        ("in sleep 9 & ", "sleep 9 &", 0),
        ("in while a; do (b; ps); ps; done\nfences", "while a; do (b; ps); ps; done", 1),
    ],
)
def test_a_raw_rest_ends_where_our_own_command_follows(line: str, rest: str, more: int) -> None:
    found = shape(line)
    assert found[0][1] == rest
    assert found[1:] == [(["fences"], None)] * more


@pytest.mark.parametrize(
    ("line", "column"),
    [("use 'web", 5), ('use "web', 5), ("in echo it's", 11), ('ps; use a"b', 10)],
)
def test_an_unterminated_quote_is_named_with_its_column(line: str, column: int) -> None:
    with pytest.raises(UsageError, match=f"unterminated . at column {column}"):
        segments(line, GRAMMAR)


def test_a_backslash_at_the_end_is_refused() -> None:
    with pytest.raises(UsageError, match="backslash, at column 5"):
        segments("use \\", GRAMMAR)


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\r"])
def test_a_control_character_is_refused_and_spelled_out(character: str) -> None:
    with pytest.raises(UsageError, match=f"\\\\x{ord(character):02x} at column 4"):
        segments(f"in {character}", GRAMMAR)


def test_a_line_of_a_megabyte_is_read() -> None:
    assert len(segments("use " + "a" * 1_000_000)[0].words[1].text) == 1_000_000


def test_words_know_where_they_stand() -> None:
    line = "use  'my web' x"
    places = [line[w.start : w.end] for w in segments(line)[0].words]
    assert places == ["use", "'my web'", "x"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"])), min_size=1))
def test_quoted_words_come_back_as_they_were(words: list[str]) -> None:
    line = " ".join(map(shlex.quote, words))
    assert split(line) == words
    # A bare ! or # at the start means something to us, in quotes it does not.
    if shlex.quote(words[0])[0] not in "!#":
        assert [w.text for w in segments(line)[0].words] == words


@given(st.text(alphabet="ab;#'\"\\ \n!(){}$`in", max_size=40))
def test_a_line_being_typed_is_always_cut_without_overlap(text: str) -> None:
    end = 0
    for segment in segments(text, GRAMMAR, typing=True):
        for word in _all_words(segment):
            assert end <= word[0] <= word[1] <= len(text)
            end = word[1]


@given(st.text(alphabet="ab;#'\"\\ \n!(){}$`in", max_size=40))
def test_any_line_is_read_or_refused_in_one_sentence(text: str) -> None:
    sentence = ""
    try:
        segments("in " + text, GRAMMAR)
    except UsageError as error:
        sentence = str(error)
    assert "\n" not in sentence


def _all_words(segment: Segment) -> list[tuple[int, int]]:
    words = [*segment.words, *([segment.rest] if segment.rest else [])]
    return [(word.start, word.end) for word in words]
