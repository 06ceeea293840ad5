"""One line in, its outcomes shown, an exit status out, whatever a command does."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from shellplay.cli.batch import Batch
from shellplay.cmdline.interpreter import Interpreter
from shellplay.cmdline.outcomes import Outcome
from shellplay.cmdline.printer import Printer
from shellplay.cmdline.registry import LOADED, command
from shellplay.playground.playground import Playground


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command with a mistake in it, for the time of a test."""

    @command("stumble", group="other", host=None)
    def stumble() -> Iterator[Outcome]:
        """Make a mistake.

        Examples:
            stumble
        """
        yield str([][1])

    monkeypatch.delenv("SHELLPLAY_DEBUG", raising=False)
    yield
    del LOADED["stumble"]


@pytest.mark.usefixtures("broken")
def test_a_mistake_of_ours_is_one_sentence_and_loses_nothing(playground: Playground) -> None:
    out, err = io.StringIO(), io.StringIO()
    printer = Printer(out, err, color=False)
    interpreter = Interpreter(playground, printer, Batch(printer))
    assert interpreter.run("new web; stumble") == 70
    (sentence,) = err.getvalue().splitlines()
    assert "a mistake in shellplay: IndexError" in sentence
    assert "at test_interpreter.py:" in sentence
    assert interpreter.run("in echo $((40+2))") == 0
    assert out.getvalue().endswith("42\n")


@pytest.mark.usefixtures("broken")
def test_its_whole_trace_is_there_for_those_who_look_for_it(
    playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELLPLAY_DEBUG", "1")
    printer = Printer(io.StringIO(), io.StringIO(), color=False)
    with pytest.raises(IndexError):
        Interpreter(playground, printer, Batch(printer)).run("stumble")
