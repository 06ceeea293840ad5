"""Highlighting: every character is kept, known words and unknown ones differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.token import Comment, Error, Keyword, Name, String, Text, _TokenType

from shellplay.repl.lexer import ShellplayLexer


def kinds(line: str) -> dict[str, _TokenType]:
    found = ShellplayLexer().get_tokens_unprocessed(line)
    return {text: kind for _, kind, text in found}


@given(st.text(alphabet="fence in ps;#'\"\\\n!$x=-", max_size=60))
def test_no_character_is_lost_or_moved(line: str) -> None:
    pieces = list(ShellplayLexer().get_tokens_unprocessed(line))
    assert "".join(text for _, _, text in pieces) == line
    assert all(line[start : start + len(text)] == text for start, _, text in pieces)


@pytest.mark.parametrize(
    ("line", "word", "kind"),
    [
        ("fence uts", "fence", Keyword),
        ("attach web", "attach", Keyword),
        ("fnece uts", "fnece", Error),
        ("fe", "fe", Text),
        ("fence uts", "uts", Name.Class),
        ("fence uts hostname=x", "hostname=x", Name.Attribute),
        ("use 'my web'", "'my web'", String),
        ("ps # all", "# all", Comment),
        ("in echo hi", "echo", Name.Builtin),
        ("!echo hi", "echo", Name.Builtin),
        ("in ls; fnord; fences", "fences", Keyword),
    ],
)
def test_each_word_is_marked_for_what_it_is(line: str, word: str, kind: _TokenType) -> None:
    assert kinds(line)[word] is kind


def test_a_very_long_line_is_not_analysed() -> None:
    assert kinds("x" * 20_000) == {"x" * 20_000: Text}
