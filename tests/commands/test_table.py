"""What every command of the table promises, and what the decorator refuses."""

from collections.abc import Iterator
from typing import Annotated

import pytest

from shellplay.cmdline.arguments import Word
from shellplay.cmdline.binder import bind, usage
from shellplay.cmdline.completion import complete
from shellplay.cmdline.help import overview, page
from shellplay.cmdline.index import ALIASES
from shellplay.cmdline.outcomes import Outcome
from shellplay.cmdline.registry import GRAMMAR, GROUPS, TABLE, Command, command, find
from shellplay.cmdline.tokenizer import segments
from shellplay.errors import Refused, UsageError
from shellplay.playground.playground import Playground

EVERY = pytest.mark.parametrize("entry", TABLE.values(), ids=lambda entry: entry.name)


@EVERY
def test_every_command_has_help_that_fits_a_narrow_terminal(entry: Command) -> None:
    assert entry.summary.endswith(".")
    assert entry.group in GROUPS
    assert usage(entry).startswith(entry.name)
    told = page(entry)(20).splitlines()
    prose = told[: told.index("examples")]
    assert all(len(line) <= 40 for line in prose[1:])


@EVERY
def test_every_example_is_a_line_that_the_command_takes(
    entry: Command, playground: Playground
) -> None:
    for example in entry.examples:
        for segment in segments(example, GRAMMAR):
            try:
                bind(find(segment.words[0].text), segment, playground)
            except Refused as error:
                # The container of an example need not exist here.
                assert "contain" in str(error)  # noqa: PT017
        assert find(segments(example, GRAMMAR)[0].words[0].text) is entry


@EVERY
def test_every_command_is_completed_with_a_description(
    entry: Command, playground: Playground
) -> None:
    found = complete("", playground)
    assert (entry.name, entry.summary) in [(one.text, one.description) for one in found]


@EVERY
def test_every_option_says_what_it_does(entry: Command) -> None:
    assert all(option.help for _, option in entry.options.values())


def test_what_docker_and_util_linux_users_type_is_understood() -> None:
    wanted = {"attach": "enter", "nsenter": "enter", "unshare": "fence", "ls": "containers"}
    wanted |= {"exit": "quit"}
    assert {alias: ALIASES[alias] for alias in wanted} == wanted


def test_a_unique_beginning_is_enough() -> None:
    assert find("cont").name == "containers"
    with pytest.raises(UsageError, match="can be fence, fences"):
        find("fen")


def test_a_typo_gets_the_nearest_command() -> None:
    with pytest.raises(UsageError, match=r'unknown command "fecne".*did you mean "fence"'):
        find("fecne")


def test_the_overview_names_every_command() -> None:
    told = overview(80)
    assert all(f"  {name} " in told for name in TABLE)


def test_a_command_without_a_docstring_is_refused() -> None:
    def silent(word: Annotated[str, Word("X", "x")]) -> Iterator[Outcome]:
        yield word

    with pytest.raises(TypeError, match="no docstring"):
        command("silent", group="other")(silent)


def test_a_parameter_without_a_known_annotation_is_refused() -> None:
    def odd(word: complex) -> Iterator[Outcome]:
        """Do nothing.

        Examples:
            odd
        """
        yield str(word)

    with pytest.raises(TypeError, match="parameter word has no known annotation"):
        command("odd", group="other")(odd)


def test_a_name_that_is_taken_is_refused() -> None:
    def again() -> Iterator[Outcome]:
        """Do nothing.

        Examples:
            ps
        """
        yield ""

    with pytest.raises(TypeError, match="ps is taken"):
        command("ps", group="looking")(again)
