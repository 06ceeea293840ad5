"""Code from inside is shown when a fence comes off, and runs outside after a yes only."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from shellplay.testing import TIMEOUT_SECONDS

pytestmark = pytest.mark.e2e
# At the prompt with a line editor a mark says that it reads keys.
PROMPT, QUESTION = r"> $|\x1b\]133;B", r"Run it outside\? \[y/N\] "


@pytest.fixture(params=["--plain", "--no-config"])
def typed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[pexpect.spawn[str]]:
    """The program as a person has it, whom it may ask; with a function inside ``user``."""
    program = pexpect.spawn(
        sys.executable,
        ["-m", "shellplay", "--no-config", request.param],
        env={
            **{name: value for name, value in os.environ.items() if name != "SHELLPLAY_MARKS"},
            "TERM": "xterm",
            "NO_COLOR": "1",
            "PROMPT_TOOLKIT_NO_CPR": "1",
            "XDG_STATE_HOME": str(tmp_path),
        },
        encoding="utf-8",
        dimensions=(24, 100),
        timeout=TIMEOUT_SECONDS,
    )
    for line in ("new web", "fence user", "in evil() { echo evil-$((40 + 2)); }; data=kept"):
        program.expect(PROMPT)
        program.send(f"{line}\r")
    program.expect(PROMPT)
    yield program
    program.close(force=True)


@pytest.mark.parametrize(
    ("answer", "told"), [("y\r", "carried: function evil"), ("\r", "stays"), ("\x03", "stays")]
)
def test_code_runs_outside_only_after_a_yes(
    answer: str, told: str, typed: pexpect.spawn[str]
) -> None:
    typed.send("peel user\r")
    typed.expect_exact("carried: variable data")
    typed.expect_exact("echo evil-$((40 + 2))")
    typed.expect(QUESTION)
    typed.send(answer)
    typed.expect_exact(told)
    typed.expect(PROMPT)
    typed.send("in evil; echo $data-$((40 + 2))\r")
    typed.expect_exact("kept-42")
    assert ("evil-42" in str(typed.before)) == (answer == "y\r")


def test_what_was_typed_before_the_question_is_no_answer(typed: pexpect.spawn[str]) -> None:
    typed.send("in echo go-$((40 + 2)); sleep 1; peel user\r")
    typed.expect_exact("go-42")
    typed.send("y\r")
    typed.expect(QUESTION)
    typed.send("\r")
    typed.expect_exact("it stays behind")
    typed.expect_exact('unknown command "y"')


def test_nobody_is_asked_with_the_word_for_it(typed: pexpect.spawn[str]) -> None:
    typed.send("peel user --code\r")
    typed.expect_exact("function evil")
    typed.expect(PROMPT)
    typed.send("in evil\r")
    typed.expect_exact("evil-42")
