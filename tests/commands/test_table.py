"""What every command of the table promises, and what the decorator refuses."""

import io
import re
from collections.abc import Iterator, Mapping
from typing import Annotated

import pytest

from shellplay.cli.batch import Batch
from shellplay.cmdline.arguments import Word
from shellplay.cmdline.binder import bind, usage
from shellplay.cmdline.completion import complete
from shellplay.cmdline.help import EVERYDAY, everyday, overview, page
from shellplay.cmdline.index import ALIASES
from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.outcomes import Outcome
from shellplay.cmdline.printer import Printer
from shellplay.cmdline.registry import GRAMMAR, GROUPS, TABLE, Command, command, find
from shellplay.cmdline.tokenizer import segments
from shellplay.cmdline.topics import TOPICS
from shellplay.docker.option_table import OPTIONS, UNDESCRIBED
from shellplay.docker.option_table import Option as RunOption
from shellplay.errors import Refused, UsageError
from shellplay.fences import REGISTRY
from shellplay.fences.base.fence import option
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
            except (Refused, UsageError) as error:
                # The container of an example need not exist here.
                refused = error if isinstance(error, Refused) else error.__cause__
                assert isinstance(refused, Refused)
                assert "contain" in str(refused)
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


def test_the_everyday_commands_come_first_and_fit_a_small_terminal() -> None:
    assert len(EVERYDAY) == 12
    assert set(EVERYDAY) <= set(TABLE)
    lines = everyday(80).splitlines()
    assert len(lines) <= 22
    assert "help -a lists all" in " ".join(lines)


@pytest.mark.parametrize("topic", ["keys", "docker", "parked"])
def test_a_topic_has_a_page_that_fits_a_narrow_terminal(topic: str) -> None:
    assert topic not in TABLE
    assert all(len(line) <= 40 for line in TOPICS[topic][1](40).splitlines())


@EVERY
def test_every_command_is_explained_by_its_help_option(
    entry: Command, playground: Playground
) -> None:
    out = io.StringIO()
    printer = Printer(out, io.StringIO(), color=False)
    interpreter = Interpreter(playground, printer, Batch(printer))
    if entry.name == "!":
        return
    # The host name of run is -h, as in docker run.
    for word in ("--help",) if entry.name == "run" else ("--help", "-h"):
        assert interpreter.run(f"{entry.name} {word}") == 0
        assert usage(entry) in out.getvalue()
        out.truncate(0)


def test_a_command_without_a_docstring_is_refused() -> None:
    def silent(word: Annotated[str, Word("X", "x")]) -> Iterator[Outcome]:
        yield word

    with pytest.raises(TypeError, match="no docstring"):
        command("silent", group="other", host=None)(silent)


def test_a_parameter_without_a_known_annotation_is_refused() -> None:
    def odd(word: complex) -> Iterator[Outcome]:
        """Do nothing.

        Examples:
            odd
        """
        yield str(word)

    with pytest.raises(TypeError, match="parameter word has no known annotation"):
        command("odd", group="other", host=None)(odd)


def test_a_name_that_is_taken_is_refused() -> None:
    def again() -> Iterator[Outcome]:
        """Do nothing.

        Examples:
            ps
        """
        yield ""

    with pytest.raises(TypeError, match="ps is taken"):
        command("ps", group="looking", host=None)(again)


# -- what each does on the host --------------------------------------------------------------

VERB = re.compile(r"[a-z]+s .*[^.]")


def described(host: object) -> list[str]:
    """Return the texts of a declaration, of a command or an option; it may have none."""
    if isinstance(host, Mapping):
        return list(host.values())
    return [host] if isinstance(host, str) else []


def test_each_command_says_what_it_does_on_the_host() -> None:
    for name, one in TABLE.items():
        assert one.host is None or isinstance(one.host, str) or callable(one.host), name
        assert all(map(VERB.fullmatch, described(one.host))), name
        for example in one.examples:
            [part] = segments(example.partition(" #")[0].strip(), GRAMMAR)[:1]
            assert all(map(VERB.fullmatch, one.host_effects(part))), example


def test_each_option_of_a_fence_and_of_run_says_what_it_does_on_the_host() -> None:
    options = {
        f"{kind} {each.name}": each for kind in REGISTRY for each in REGISTRY[kind].options()
    }
    texts = {name: described(each.host) for name, each in options.items()}
    texts |= {f"run --{name}": described(each.host) for name, each in OPTIONS.items()}
    for name, found in texts.items():
        assert all(VERB.fullmatch(text.format("X")) for text in found), name
    assert {"root base", "net mode", "seccomp profile"} == {
        name for name, found in texts.items() if found and not name.startswith("run")
    }


def test_an_option_that_does_not_say_it_is_refused() -> None:
    with pytest.raises(TypeError, match="host"):
        option("an option", default=None)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="host"):
        command("forgotten", group="other")  # type: ignore[call-arg]
    assert RunOption("an option").host == UNDESCRIBED
    assert not [name for name, each in OPTIONS.items() if each.host == UNDESCRIBED]
