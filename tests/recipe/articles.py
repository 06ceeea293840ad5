"""Recipes for tests: written by hand, or made up by hypothesis."""

from __future__ import annotations

from textwrap import dedent

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from shellplay.recipe.bindings import Bindings
from shellplay.recipe.document import (
    Actor,
    Block,
    Comment,
    Conditions,
    Direction,
    Expected,
    Header,
    Needs,
    Part,
    Prose,
    Recipe,
    Step,
)
from shellplay.recipe.line import BLANKS, SUFFIX, Kind, kind
from shellplay.recipe.match import match
from shellplay.recipe.parse import parse
from shellplay.recipe.pattern import literal
from shellplay.recipe.tag import SYNTAX

# The same examples in every run, however slow the machine is.
PROPERTY = settings(
    deadline=None,
    derandomize=True,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def article(block: str, header: str = "") -> str:
    """Return the text of a recipe of one block, which begins in line `FENCE`."""
    return f"+++\nshellplay = 1\n{header}+++\n\n```shellplay\n{dedent(block)}```\n"


FENCE = 5
"""The line of an `article` in which its block begins."""


def steps(block: str) -> list[Step]:
    """Return the steps of a block."""
    return list(parse(article(block)).steps)


def expect(*lines: str) -> tuple[Expected, ...]:
    """Return expected lines, counted from 1."""
    return tuple(Expected(line, number) for number, line in enumerate(lines, 1))


def matched(expected: str, output: str, *distinct: str, **known: str) -> dict[str, str] | None:
    """Return what a match binds, names that are ``known`` before included."""
    bindings = Bindings()
    for name, value in known.items():
        bindings = bindings.bind(name, value)
    found = match(expect(*expected.split("\n")), output, bindings, distinct=distinct)
    return None if found is None else {name: each.value for name, each in found.items()}


CHARACTERS = st.characters(
    codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\r\n"
)
TEXT = st.text(CHARACTERS, max_size=30)
TRICKY = st.sampled_from(
    [
        "play> x", "in[db]> y", "host$ ls", "key> C-c", "> more", ">", "# no", "#", "% no",
        "%", "[1]", "...", "(lit)", "(re)", "x (glob)", "x (+)", "<pid:A>", "<pid>", "a  b",
        "  a", "```", "~~~~", "", " ", "+++", "<!-- play: pause -->", "plai> x", "play>x",
    ]
)  # fmt: skip
LINE = st.one_of(TEXT, TRICKY, st.builds("{} {}".format, TRICKY, TRICKY))
WORD = st.from_regex(r"[a-z][a-z0-9]{0,6}", fullmatch=True)
NAME = st.from_regex(r"[A-Z][A-Z0-9]{0,3}", fullmatch=True)
SOME_TIME = st.floats(min_value=0.001, max_value=86400, allow_nan=False)
TIMES = st.one_of(SOME_TIME, st.sampled_from([0.2, 1.0, 5.0, 60.0, 120.0, 0.05]))
WORDS = st.lists(WORD, max_size=3).map(tuple)

HEADERS = st.builds(
    Header,
    title=TEXT,
    needs=st.builds(Needs, WORDS, WORDS),
    programs=WORDS,
    kernel=st.sampled_from(["", ">=5.6", "<6", "==6.1.2"]),
    network=st.booleans(),
    images=st.booleans(),
    timeout=TIMES,
    total_timeout=TIMES,
    columns=st.integers(20, 500),
    rows=st.integers(5, 200),
    environment=st.dictionaries(NAME, TEXT, max_size=3),
    tags=WORDS,
    slow=st.booleans(),
)
CONDITIONS = st.builds(
    Conditions,
    timeout=st.none() | TIMES,
    eventually=st.none() | TIMES,
    always=st.booleans(),
    skip=st.none() | TEXT.map(str.strip).filter(bool),
    only=st.lists(WORD, max_size=2).map(tuple),
    pause=st.none() | st.just(0.0) | TIMES,
    type=st.none() | TIMES,
)


def _is_command(text: str) -> bool:
    first, *more = text.split("\n")
    lit = any(
        (s := SUFFIX.search(f"> {line}")) and s["kind"] == "lit" for line in (first, *more)
    )
    return bool(first.strip(BLANKS)) and not lit and not SYNTAX.search(text)


def _is_expected(texts: list[str]) -> bool:
    return not texts or bool(texts[-1].strip(BLANKS))


COMMANDS = st.lists(LINE, min_size=1, max_size=3).map("\n".join).filter(_is_command)
EXPECTATIONS = (
    st.lists(
        LINE.map(lambda line: line and literal(line))
        | st.sampled_from(["...", "<pid:A> <...:B>", "a <int> (+)", r"\d+ (re)", "x* (glob?)"]),
        max_size=4,
    )
    .map(lambda texts: [text if text.strip(BLANKS) else "" for text in texts])
    .filter(_is_expected)
    .map(lambda texts: tuple(map(Expected, texts)))
)


@st.composite
def _steps(draw: st.DrawFn) -> Step:
    actor = draw(st.sampled_from(Actor))
    container = draw(st.none() | WORD) if actor is Actor.IN else None
    status = draw(st.sampled_from([0, 0, 1, 130, 255]))
    return Step(actor, draw(COMMANDS), container, draw(CONDITIONS), draw(EXPECTATIONS), status)


def _is_comment(text: str) -> bool:
    return kind(f"# {text}" if text else "#") is Kind.COMMENT


STEPS = _steps()
BLOCKS = st.builds(
    Block,
    st.lists(STEPS | st.builds(Comment, LINE.filter(_is_comment)), max_size=4).map(tuple),
    flow=st.sampled_from(["", "hidden"]),
)
PROSE = st.builds(
    Prose,
    st.lists(st.sampled_from(["# A *title*", "", "    code", "text", "~~~\n```shellplay\n~~~"]))
    .map("\n".join)
    .map(lambda text: text.strip("\n"))
    .filter(bool),
)
DIRECTIONS = st.one_of(
    st.builds(Direction, st.sampled_from(["clear", "hide", "show", "pause"])),
    st.builds(Direction, st.sampled_from(["pause", "type"]), TIMES),
)


def _alternating(parts: list[Part]) -> tuple[Part, ...]:
    """Prose that follows prose would be one."""
    found: list[Part] = []
    for part in parts:
        if not (found and isinstance(part, Prose) and isinstance(found[-1], Prose)):
            found.append(part)
    return tuple(found)


RECIPES = st.builds(
    Recipe,
    HEADERS,
    st.lists(st.one_of(PROSE, DIRECTIONS, BLOCKS), max_size=5).map(_alternating),
)
