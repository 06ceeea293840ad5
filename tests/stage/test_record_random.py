"""A recording of a random session passes its own test."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shellplay.stage.report.report import Verdict
from shellplay.stage.report.text import explain
from tests.stage.recording import performed, recording

EXAMPLES = 12
KINDS = st.sampled_from(["uts", "pid", "mnt", "net", "ipc", "time"])
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "))
LIKE_SYNTAX = st.sampled_from(
    ["[0]", "# x", "...", "<pid:B1>", "x (re)", "% y", "play> z", "```"]
)
NUMBERS = st.integers(0, 70000).map(str)
SAID = st.lists(TEXT | LIKE_SYNTAX | NUMBERS | st.just(""), max_size=4)


def printed(words: list[str]) -> str:
    """Return a line for bash that prints these lines."""
    return f"printf '%s\\n' {' '.join(map(shlex.quote, words))}"


LINES = st.one_of(
    SAID.map(printed),
    st.sampled_from(
        [
            "echo $$ $BASHPID",
            "sleep 1000 & echo $!",
            "false",
            "if ;",
            "ps",
            "ps -ef",
            "ls -ld /proc/self/ns/*",
            "uname -a; hostname; tty; id",
            "cd /tmp; pwd; cd -",
            "date; date +%s; date -Is",
            "sh -c 'echo $$ $PPID; exit 3'",
            "for each in a b; do\necho $each; done",
            "time :",
        ]
    ),
).map(lambda line: f"in {line}" if "'" in line else f"in '{line}'")
COMMANDS = st.one_of(
    LINES,
    LINES,
    KINDS.map(lambda kind: f"fence {kind}"),
    KINDS.map(lambda kind: f"peel {kind} --force"),
    st.sampled_from(
        [
            "new",
            "use web",
            "ps",
            "ps host",
            "tree",
            "fences",
            "containers",
            "inspect",
            "peel all --force",
            "spawn sleep 1000",
            "exec echo beside",
            "!echo $$; exit 2",
            "kill %1",
            "bogus",
            "# a remark",
            "## A heading",
        ]
    ),
)


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.everyone
@pytest.mark.usefixtures("who")
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    # To shrink what fails takes minutes, and tells little more.
    phases=[Phase.explicit, Phase.generate],
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.lists(COMMANDS, min_size=4, max_size=14))
def test_a_recording_of_a_random_session_passes(commands: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.play.md"
        with recording(path) as session:
            session.run("new web", *commands)
        report = performed(session.recipe)
        wrong = explain(report) + path.read_text()
        assert report.verdict is Verdict.PASSED, wrong
