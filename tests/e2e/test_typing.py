"""Stories of the prompt: what goes wrong is one sentence, and the keys do what they say."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shellplay.cmdline.registry import TABLE
from tests.e2e.watching import PROGRAM, Watcher
from tests.terminal import Terminal

pytestmark = pytest.mark.e2e

MISTAKES = [
    ("fense pid", 2, 'unknown command "fense" (did you mean "fence"?)'),
    ("fence pidd", 2, 'unknown fence "pidd" (did you mean "pid"?)'),
    ("fence uts hostnam=x", 2, "did you mean"),
    ("in echo 'x", 2, "unterminated ' at column 9"),
    ("use wbe", 1, "did you mean"),
    ("new web", 1, "there is a container web already"),
    ("new -WEB", 2, "no option"),
    ("peel net", 1, "net is not fenced"),
    ("kill 1", 1, "1 is not a process of web"),
    ("kill -QUX %1", 2, 'unknown signal "QUX"'),
    ("fence time boot=soon", 2, "not a duration"),
    ("set detach_key x1", 2, "not a control key"),
    ("exec no-such-program", 127, "no-such-program"),
    ("in if true", 1, "not complete"),
]


def test_every_mistake_is_one_sentence_and_changes_nothing(web: Terminal) -> None:
    before = web.run("inspect --json")
    for line, expected, sentence in MISTAKES:
        status, output = web.run(line)
        assert (status, sentence in output) == (expected, True), (line, status, output)
        assert output.count("\n") <= 1 + len(output) // 100, output
    assert web.run("inspect --json") == before


def test_every_command_explains_itself(terminal: Terminal) -> None:
    for name in TABLE:
        status, output = terminal.run(f"help {name}")
        assert status == 0
        assert "examples\n" in output
        assert output.startswith(name)


def test_ctrl_c_drops_the_line_and_nothing_else(web: Terminal) -> None:
    web.send("stop web")
    web.control("c")
    web.expect(web.marks.done)
    assert web.shell.match[1] == "130"
    web.ready()
    assert "web" in web.run("containers")[1]


def test_trace_shows_the_calls_and_the_command_that_does_the_same(web: Terminal) -> None:
    web.run("trace on")
    _, output = web.run("fence uts hostname=web")
    assert "unshare(CLONE_NEWUTS) = 0" in output
    assert "# unshare --uts" in output
    assert "ptrace(" not in output
    assert "+ 2 calls by which shellplay does this (trace -v on)" in output
    web.run("trace -v on")
    assert "ptrace(PTRACE_SEIZE, " in web.run("fence ipc")[1]
    web.run("trace off")
    assert "unshare(" not in web.run("peel uts")[1]


def test_two_sessions_share_a_history_and_mix_no_line(
    open_terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path)}
    both = [open_terminal(environment=state) for _ in range(2)]
    for number in range(20):
        for name, each in zip("ab", both, strict=True):
            each.run(f"!: {name}{number} {'x' * 30}")
    lines = (tmp_path / "shellplay" / "history").read_text().splitlines()
    kept = [line for line in lines if line.startswith("+")]
    wanted = [f"+!: {name}{number} {'x' * 30}" for number in range(20) for name in "ab"]
    assert kept == wanted
    third = open_terminal(environment=state)
    third.send("\x1b[A\x01!echo got-$((40+2)); #\r")
    third.expect("got-42")


def test_an_unfinished_line_is_there_again_after_a_look_at_the_fences(web: Terminal) -> None:
    web.send("in echo x-$((40+2))")
    web.send("\x1bOQ")  # F2
    web.expect("nothing is fenced yet")
    web.ready()
    web.send("\r")
    web.expect("x-42\r\n")


def test_odd_terminals_get_a_prompt_without_an_escape(
    open_terminal: Callable[..., Terminal],
) -> None:
    for term in ("dumb", "", "unknown"):
        terminal = open_terminal(term=term)
        assert terminal.run("new web")[0] == 0
        assert terminal.run("in printf '\\033[31mred-%s\\n' $((40+2))")[1].endswith("red-42\n")
        assert terminal.run("fences")[0] == 0
        terminal.send("quit\r")
        text = terminal.expect("web: stopped")
        assert terminal.ended() == 0
        log = Path(terminal.shell.logfile_read.name)
        assert "\x1b" not in text + log.read_text()


@pytest.mark.parametrize("mode", [[], ["--plain"]])
def test_what_is_typed_before_the_first_prompt_is_run_and_ctrl_d_leaves(
    mode: list[str], tmp_path: Path
) -> None:
    words = [*PROGRAM, "--no-config", *mode]
    with closing(Watcher(words, tmp_path / "log")) as watcher:
        watcher.press("new web\rin echo x-$((40+2))\r\x04")
        watcher.sees("x-42")
        assert watcher.ended() == 0
