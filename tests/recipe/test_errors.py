"""Everything that is not a recipe is refused: where, what was expected, and what was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shellplay.errors import RecipeError, UsageError
from shellplay.recipe.parse import parse
from tests.recipe.articles import FENCE, LINE, PROPERTY, article


def refusal(text: str) -> RecipeError:
    """Return why a text is not a recipe."""
    with pytest.raises(RecipeError) as caught:
        parse(text, "a.play.md")
    return caught.value


@pytest.mark.parametrize(
    ("block", "line", "column", "sentence"),
    [
        ("plya> ps", 2, 1, 'nobody is called "plya>".*mean "play>".*\\(lit\\)'),
        ("Play> ps", 2, 1, 'mean "play>"'),
        ("play$ ps", 2, 1, 'mean "play>"'),
        ("hots$ ls", 2, 1, 'mean "host\\$"'),
        ("host> ls", 2, 1, 'mean "host\\$"'),
        ("inn[db]> ls", 2, 1, 'mean "in>"'),
        ("kye> C-c", 2, 1, 'mean "key>"'),
        ("play>ps", 2, 6, "expected a blank after play>"),
        ("in[db]>ls", 2, 8, "expected a blank after in>"),
        ("play[db]> ls", 2, 5, "play> has no container"),
        ("in[]> ls", 2, 4, "expected the name of a container"),
        ("in[A b]> ls", 2, 4, "expected the name of a container"),
        ("play> ", 2, 7, "expected a command after play>"),
        ("play>", 2, 6, "expected a command after play>"),
        ("key>  ", 2, 7, "expected keys after key>"),
        ("some output", 2, 1, "output without a step: expected play>, in>"),
        ("play> ps\n# why\nx", 4, 1, "output without a step.*\\(lit\\)"),
        ("play> ps\n% skip: x\nx", 4, 1, "output without a step"),
        ("> more", 2, 1, "goes on here"),
        ("play> ps\nx\n> more", 4, 1, "goes on here.*\\(lit\\)"),
        ("play> ps\n\n> more", 4, 1, "goes on here"),
        ("play> ps\n[1]\n> more", 4, 1, "goes on here"),
        ("[1]", 2, 1, "output without a step"),
        ("play> ps\n[1]\nmore", 4, 1, "exit status is the last line"),
        ("play> ps\n[1]\n[1]", 4, 1, "exit status is the last line"),
        ("play> ps\n[256]", 3, 2, "exit status from 0 to 255.*\\(lit\\)"),
        ("% status: 1\nplay> ps\n[1]", 4, 1, "exit status is said twice"),
        ("% status: x\nplay> ps", 2, 11, "exit status from 0 to 255"),
        ("% timout: 3s\nplay> ps", 2, 3, 'no % "timout".*mean "timeout"'),
        ("%  nonsense", 2, 4, "known are only, skip"),
        ("%", 2, 3, "expected a key after %"),
        ("% timeout 3s\nplay> ps", 2, 11, "expected : after % timeout"),
        ("% timeout: soon\nplay> ps", 2, 12, "a duration as 5s, 200ms or 2m"),
        ("% timeout\nplay> ps", 2, 10, "a duration as 5s"),
        ("% timeout: 0s\nplay> ps", 2, 12, "more than no time"),
        ("% eventually: 25h\nplay> ps", 2, 15, "a duration as 5s"),
        ("% pause: 2000m\nplay> ps", 2, 10, "at most a day"),
        ("% timeout: 3s\n% timeout: 4s\nplay> ps", 3, 1, "said twice"),
        ("% always: yes\nplay> ps", 2, 11, "expected no value"),
        ("% skip\nplay> ps", 2, 7, "expected a reason"),
        ("% only:\nplay> ps", 2, 8, "what the machine must have"),
        ("% distinct: A\nplay> ps", 2, 13, "two and more different names"),
        ("% distinct: A A\nplay> ps", 2, 13, "two and more different names"),
        ("% distinct: A 2\nplay> ps", 2, 13, '"2" is not a name'),
        ("% distinct: A B\nplay> ps\n<pid:A>", 3, 1, "nothing up to here binds B"),
        ("play> ps\n% skip: x", 3, 1, "no step follows this condition"),
        ("play> ps\n( (re)", 3, 1, "not a correct regular expression: missing"),
        ("play> ps\na{9999999999999} (re)", 3, 1, "not a correct regular expression"),
        ("play> kill <pid:B>", 2, 12, "nothing above binds B.*<pid:B>"),
        ("in[db]> kill\n> a <pid:B>", 3, 5, "nothing above binds B"),
        ("in[db]> kill <pid:B>", 2, 14, "nothing above binds B"),
        ("play> ps\n<pid:BASE>\nplay> kill <pid:BASH>", 4, 12, 'mean "BASE"'),
    ],
)
def test_a_wrong_line_of_a_block(block: str, line: int, column: int, sentence: str) -> None:
    error = refusal(article(f"{block}\n"))
    assert (error.line, error.column) == (FENCE - 1 + line, column)
    with pytest.raises(RecipeError, match=sentence):
        raise error


@pytest.mark.parametrize(
    ("header", "line", "column", "sentence"),
    [
        ("tittle = 'x'", 3, 1, 'no header key "tittle".*mean "title"'),
        ("# x\n\ncolumns = 80", 5, 1, 'no header key "columns".*"cols"|known are'),
        ("title = x", 3, 9, "not TOML: Invalid value"),
        ("title = '", 3, 1, "not TOML"),
        ("title = 1", 3, 1, "title: expected text"),
        ("timeout = 'soon'", 3, 1, "timeout: expected a duration"),
        ("timeout = true", 3, 1, "timeout: expected a duration"),
        ("timeout = 0", 3, 1, "timeout: expected seconds, more than none"),
        ("timeout = '0s'", 3, 1, "more than no time"),
        ("total_timeout = inf", 3, 1, "at most a day"),
        ("total_timeout = nan", 3, 1, "at most a day"),
        ("cols = 1", 3, 1, "from 20 to 500"),
        ("rows = true", 3, 1, "from 5 to 200"),
        ("network = 1", 3, 1, "true or false"),
        ("slow = 'no'", 3, 1, "true or false"),
        ("kernel = '5.6'", 3, 1, '">=5.6"'),
        ("programs = 'bash'", 3, 1, "a list of words"),
        ("tags = [1]", 3, 1, "a list of words"),
        ("tags = [' ']", 3, 1, "a list of words"),
        ("needs = ['root']", 3, 1, "needs: expected"),
        ("needs = { some = ['root'] }", 3, 1, 'no "some", only all and any'),
        ("[needs]\nany = 'root'", 3, 1, "a list of words"),
        ("env = ['x']", 3, 1, "expected variables"),
        ("env = { 'a b' = 'x' }", 3, 1, '"a b" is not the name of a variable'),
        ("env = { A = 1 }", 3, 1, "A: expected text"),
        ("env = { A = '''a\nb''', B = \"\\u0000\" }", 3, 1, "B: expected text"),
        (f"x = {'[' * 9999}", 3, None, "not TOML"),
    ],
)
def test_a_wrong_header(header: str, line: int, column: int | None, sentence: str) -> None:
    error = refusal(f"+++\nshellplay = 1\n{header}\n+++\n")
    if column:
        assert (error.line, error.column) == (line, column)
    with pytest.raises(RecipeError, match=sentence):
        raise error


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("", 1, "expected a header.*shellplay = 1"),
        ("# A title\n", 1, "expected a header"),
        ("\n+++\nshellplay = 1\n+++\n", 1, "expected a header"),
        ("+++\nshellplay = 1\n", 1, "the header is not closed"),
        ("+++\n+++\n", 2, "does not say shellplay = 1"),
        ("+++\ntitle = 'x'\n+++\n", 2, "does not say shellplay = 1"),
        ("+++\nshellplay = 2\n+++\n", 2, "this is version 1"),
        ("+++\nshellplay = true\n+++\n", 2, "this is version 1"),
    ],
)
def test_what_has_no_header_is_no_recipe(text: str, line: int, sentence: str) -> None:
    error = refusal(text)
    assert (error.line, error.column) == (line, 1)
    with pytest.raises(RecipeError, match=sentence):
        raise error


@pytest.mark.parametrize(
    ("text", "line", "column", "sentence"),
    [
        ("```shellplay\nplay> ps\n", 1, 1, "this block is not closed.*```"),
        ("````shellplay\nplay> ps\n```\n", 1, 1, "not closed.*````"),
        ("~~~markdown\n```shellplay\n```\n", 1, 1, "this code fence is not closed"),
        (" ```shellplay\n```\n", 1, 1, "begins in column 1"),
        ("```shelplay\n```\n", 1, 4, '"shelplay" is not a language.*mean "shellplay"'),
        ("text\n``` Shellplay x\n```\n", 2, 5, 'mean "shellplay"'),
        ("<!-- play: paus 2s -->\n", 1, 12, 'no direction "paus".*mean "pause"'),
        ("<!-- play: -->\n", 1, 12, 'no direction ""'),
        ("<!-- play: pause soon -->\n", 1, 12, "a duration as 5s"),
        ("<!-- play: pause 1s 2s -->\n", 1, 12, "expected nothing more"),
        ("<!-- play: clear 1s -->\n", 1, 12, "expected nothing more"),
        ("<!-- play: type -->\n", 1, 12, "type: expected a duration"),
    ],
)
def test_wrong_markdown(text: str, line: int, column: int, sentence: str) -> None:
    error = refusal(f"+++\nshellplay = 1\n+++\n{text}")
    assert (error.line, error.column) == (line + 3, column)
    with pytest.raises(RecipeError, match=sentence):
        raise error


def test_an_error_says_file_line_and_column_and_counts_as_wrong_usage() -> None:
    error = refusal(article("play> ps\n[999]\n"))
    assert str(error).startswith("a.play.md:7:2: expected an exit status")
    assert isinstance(error, UsageError)
    assert error.exit_status == 2


@PROPERTY
@given(st.lists(LINE | st.sampled_from(["```shellplay", "+++", "play> x"]), max_size=12))
def test_whatever_is_read_gives_a_recipe_or_one_sentence(lines: list[str]) -> None:
    text = "\n".join(lines)
    for each in (text, article(f"{text}\n"), f"+++\nshellplay = 1\n{text}\n+++\n"):
        error = complaint(each)
        assert "\n" not in str(error)
        assert error is None or 1 <= error.line <= each.count("\n") + 2


def complaint(text: str) -> RecipeError | None:
    """Return why a text is not a recipe, or None if it is one."""
    try:
        parse(text)
    except RecipeError as error:
        return error
    return None
