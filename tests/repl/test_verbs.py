"""shellplay VERB: commands of the prompt that need no session, and words that name nothing."""

import json
import os
from pathlib import Path

import pytest

from shellplay import __version__
from shellplay.cli.options import VERBS
from shellplay.cmdline.index import COMMANDS
from tests.repl.program import shellplay

ALONE = [name for name, one in COMMANDS.items() if one.alone]


def test_what_needs_no_container_runs_as_a_verb() -> None:
    expected = {"doctor", "fences", "help", "image", "ps", "pull", "recipes", "tour", "volume"}
    assert expected <= set(ALONE)
    for name in ALONE:
        done = shellplay(name, "--help")
        assert (done.returncode, done.stderr) == (0, ""), name
        assert done.stdout, name


def test_a_verb_takes_the_words_and_options_of_its_command(tmp_path: Path) -> None:
    assert "a host name of its own" in shellplay("help", "uts").stdout
    (document,) = shellplay("--json", "ps", "host").stdout.splitlines()
    assert json.loads(document)["kind"] == "ps"
    done = shellplay("image", "import", f"{tmp_path}/it's; ps")
    assert done.returncode != 0
    assert "it's; ps" in done.stderr


def test_an_alias_is_a_verb_too() -> None:
    assert shellplay("images", "--json").stdout == shellplay("image", "ls", "--json").stdout


def test_the_version_is_told_in_three_spellings() -> None:
    assert shellplay("-V").stdout == shellplay("--version").stdout
    told = shellplay("version").stdout
    assert told.startswith(f"shellplay {__version__}, Python 3.")
    assert told.rstrip().endswith(os.uname().release)


def test_the_help_lists_each_verb_in_a_table() -> None:
    lines = shellplay("--help", COLUMNS="80").stdout.splitlines()
    table = [line.split()[0] for line in lines if line.startswith("  ") and line.split()]
    assert {*VERBS, *ALONE} <= set(table)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["docter"], 'no command or file named "docter" (did you mean "doctor"?)'),
        (["docter", "-x"], 'no command or file named "docter" (did you mean "doctor"?)'),
        (["--json", "xyz"], 'no command or file named "xyz" (see shellplay --help)'),
        (["fence", "uts", "a b"], "fence works in a session only (shellplay -c "),
        (["-kc", "new", "xyz"], 'no command or file named "xyz" (see shellplay --help)'),
    ],
)
def test_a_word_that_names_nothing_is_told_as_that(words: list[str], error: str) -> None:
    done = shellplay(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"shellplay: {error}")
    assert done.stderr.count("\n") == 1


def test_lines_and_a_command_exclude_each_other() -> None:
    done = shellplay("-c", "containers", "doctor")
    assert done.returncode == 2
    assert "-c excludes FILE and COMMAND" in done.stderr


def test_a_file_is_looked_for_after_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("version", "fence"):
        Path(name).write_text("!echo the file\n")
    root = str(Path(__file__).parents[2])
    assert "shellplay " in shellplay("version", PYTHONPATH=root).stdout
    assert shellplay("./version", PYTHONPATH=root).stdout == "the file\n"
    assert shellplay("fence", PYTHONPATH=root).stdout == "the file\n"
