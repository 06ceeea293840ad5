"""``run``: exactly the output and the status of exactly one line."""

from __future__ import annotations

import re
import signal
import sys
import time
from pathlib import Path

import pytest

from shellplay.container.container import Container
from shellplay.errors import Refused, TimedOut, UsageError
from shellplay.model import LineResult, ShellState
from shellplay.playground.playground import Playground
from shellplay.settings import Settings, Surroundings
from shellplay.shell.run_line import run
from shellplay.shell.terminal import REDRAW_TIMEOUT
from tests.fences.conditions import in_front, printed
from tests.waiting import wait_until

SENTENCES = {
    "one word": ("echo hello", "hello\n"),
    "nothing": ("true", ""),
    "no newline at the end": ("printf abc", "abc"),
    "only newlines": ("echo; echo", "\n\n"),
    "several lines": ("seq 3", "1\n2\n3\n"),
    "spaces and tabs": ("printf '  a\\tb  \\n'", "  a\tb  \n"),
    "a typed tab": ("echo 'a\tb'", "a\tb\n"),
    "both streams": ("echo out; echo err >&2", "out\nerr\n"),
    "what looks like a prompt": ("echo 'root@vm:~# '", "root@vm:~# \n"),
    "what looks like a mark": ("printf '\\e]133;D;9\\a\\n'", "\x1b]133;D;9\x07\n"),
    "a forged mark": ("printf '\\e]133;D;9;k=0123456789abcdef\\a'",
                      "\x1b]133;D;9;k=0123456789abcdef\x07"),
    "an unfinished mark": ("printf '\\e]133;'", "\x1b]133;"),
    "colours": ("printf '\\e[31mred\\e[0m\\n'", "\x1b[31mred\x1b[0m\n"),
    "unicode": ("echo 'naïve 日本 🐚 e\u0301'", "naïve 日本 🐚 e\u0301\n"),
    "bytes that are not UTF-8": ("printf 'a\\377\\300b\\n'", "a\\xff\\xc0b\n"),
    "half a character": ("printf '\\303'", "\\xc3"),
    "quotes": ("""echo "it's" 'a "b"' $'c\\'d'""", "it's a \"b\" c'd\n"),
    "an exclamation mark": ("echo 'wow!'", "wow!\n"),
    "a comment": ("# nothing", ""),
    "a loop over lines": ("for x in a b; do\n  echo $x\ndone", "a\nb\n"),
    "a here-document": ("cat <<END\none $((1+1))\nEND", "one 2\n"),
    "a function of many lines": ("f() {\n  echo \"f $1\"\n}\nf x", "f x\n"),
    "two commands": ("echo a\necho b", "a\nb\n"),
    "a carriage return inside": ("printf 'a\\rb\\n'", "a\rb\n"),
    "a line wider than the terminal": ("printf '%0200d\\n' 7", "0" * 199 + "7\n"),
    "a long command": (f"echo {'x' * 4000}", "x" * 4000 + "\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", SENTENCES)
def test_the_output_is_exact(name: str, container: Container) -> None:
    line, output = SENTENCES[name]
    assert container.run(line) == LineResult(0, output)
    assert container.run("echo next") == LineResult(0, "next\n")


def test_a_line_wider_than_a_dumb_terminal_is_not_waited_for() -> None:
    with Playground(Settings(surroundings=Surroundings(term="dumb"))) as playground:
        box = playground.new("box")

        def waited(size: int) -> bool:
            began = time.monotonic()
            assert box.run(f": {'x' * size}") == LineResult(0, "")
            return time.monotonic() - began > REDRAW_TIMEOUT

        # A machine may be busy once.
        assert not [size for size in range(1, 100) if waited(size) and waited(size)]


@pytest.mark.parametrize("width", [76, 80, 81, 200])
@pytest.mark.parametrize("invisible", ["", r"\[\e[1m\]\[\e[0m\]"])
def test_a_prompt_wider_than_a_dumb_terminal_is_not_waited_for(
    width: int, invisible: str
) -> None:
    with Playground(Settings(surroundings=Surroundings(term="dumb"))) as playground:
        box = playground.new("box")
        assert box.run(f"PS1='{invisible}{'x' * width}'").status == 0
        assert box.run("echo here") == LineResult(0, "here\n")
        assert box.state is ShellState.IDLE
        box.run("PS1='$ '")
        assert box.run("echo again") == LineResult(0, "again\n")


@pytest.mark.parametrize("status", [0, 1, 2, 3, 7, 42, 100, 126, 127, 128, 200, 254, 255])
def test_the_status_is_exact(status: int, container: Container) -> None:
    assert container.run(f"(exit {status})").status == status
    assert container.run("echo $?").output == f"{status}\n"


@pytest.mark.parametrize("number", [1, 2, 9, 11, 13, 15])
def test_a_command_ended_by_signal_n_has_status_128_plus_n(
    number: int, container: Container
) -> None:
    assert container.run(f"sh -c 'kill -{number} $$'").status == 128 + number


def test_an_unknown_command_has_status_127(container: Container) -> None:
    result = container.run("no-such-command")
    assert result.status == 127
    assert "command not found" in result.output


def test_a_syntax_error_has_status_2(container: Container) -> None:
    result = container.run("echo )")
    assert result.status == 2
    assert "syntax error" in result.output


def test_five_megabytes_come_through_whole_and_in_pieces(container: Container) -> None:
    pieces: list[str] = []
    result = container.run("seq 1 720000", output=pieces.append)
    assert result == LineResult(0, "")
    assert "".join(pieces) == "".join(f"{n}\n" for n in range(1, 720001))
    assert len(pieces) > 10
    assert len(container.logs()) < 400_000


def test_output_comes_while_the_line_runs(container: Container, tmp_path: Path) -> None:
    pieces: list[str] = []

    def output(text: str) -> None:
        pieces.append(text)
        if "first" in text:
            (tmp_path / "go").touch()

    line = f"echo first; until [[ -e {tmp_path}/go ]]; do :; done; echo second"
    assert container.run(line, output=output, timeout=20).status == 0
    assert "".join(pieces) == "first\nsecond\n"


def test_a_keyboard_interrupt_here_is_ctrl_c_there(container: Container) -> None:
    def interrupt(text: str) -> None:
        if "started" in text:
            signal.raise_signal(signal.SIGINT)

    result = container.run("echo started; sleep 1000", output=interrupt, timeout=20)
    assert result.status == 130
    assert container.run("echo next").output == "next\n"


@pytest.mark.parametrize(
    "line",
    [
        # A copy of bash that takes ^C and only then becomes a program, as under load.
        "(trap : INT; echo started; until [[ -e {go} ]]; do :; done; exec sleep 1000)",
        # Bash itself, which takes it and then starts a job.
        "trap : INT; echo started; until [[ -e {go} ]]; do :; done; sleep 1000",
    ],
)
def test_ctrl_c_that_came_before_the_program_did_is_sent_again(
    line: str, container: Container, tmp_path: Path
) -> None:
    go = tmp_path / "go"

    def interrupt(text: str) -> None:
        if "started" in text:
            signal.raise_signal(signal.SIGINT)
        if "^C" in text:
            go.touch()

    result = container.run(line.format(go=go), output=interrupt, timeout=20)
    assert result.status == 130


def test_a_program_that_handles_ctrl_c_gets_it_once(container: Container) -> None:
    program = (
        "import signal, time; heard = []; signal.signal(2, lambda *_: heard.append(2)); "
        "print('started', flush=True)\nwhile not heard: time.sleep(0.01)\n"
        "time.sleep(1); print(len(heard))"
    )
    pieces: list[str] = []

    def interrupt(text: str) -> None:
        pieces.append(text)
        if "started" in text:
            signal.raise_signal(signal.SIGINT)

    # Beside a copy of bash, which might have to be helped.
    container.run(f'({sys.executable} -c "{program}"; :)', output=interrupt, timeout=20)
    # The terminal passes a line on before its end, so ^C may be echoed before that.
    assert "".join(pieces).replace("\n", "") == "started^C1"


def test_after_the_timeout_the_line_is_interrupted(container: Container) -> None:
    with pytest.raises(TimedOut, match=r"no prompt after 0\.2 seconds, so \^C was sent"):
        container.run("sleep 1000", timeout=0.2)
    assert container.state is ShellState.IDLE
    assert container.run("echo $?").output == "130\n"


def test_a_line_that_ignores_ctrl_c_still_runs_after_the_timeout(
    container: Container,
) -> None:
    with pytest.raises(TimedOut):
        container.run("sh -c 'trap \"\" INT; sleep 1000; :'", timeout=0.2)
    with pytest.raises(Refused, match="bash is busy: "):
        container.run("true")


@pytest.mark.parametrize(
    "line",
    [
        "echo 'open",
        'echo "open',
        "for x in 1; do",
        "cat <<END\nx",
        "echo \\",
        "if true",
        "(",
        "f() {",
        "echo $(",
        "true &&",
    ],
)
def test_an_incomplete_line_is_refused_and_leaves_no_trace(
    line: str, container: Container
) -> None:
    refusal = "the line is not complete: bash waits for more of it"
    with pytest.raises(Refused, match=refusal) as error:
        container.run(line, timeout=20)
    example = str(error.value.fix).partition("as in: in ")[2].partition(";")[0]
    assert container.run(example) == LineResult(0, "hello\n")
    assert container.state is ShellState.IDLE
    assert container.run("echo next") == LineResult(0, "next\n")


@pytest.mark.parametrize("line", ["echo !nosuch", "!nosuch", "echo a; !?nosuch?"])
def test_a_line_that_bash_does_not_take_is_refused_in_its_words(
    line: str, container: Container
) -> None:
    container.type(b"echo kept")
    refusal = r"bash did not take the line: !\??nosuch\??: event not found"
    with pytest.raises(Refused, match=refusal):
        container.run(line, timeout=20)
    assert container.run("echo next") == LineResult(0, "next\n")
    container.type(b"-whole\r")
    wait_until(printed(container, "kept-whole"), "the half-typed line")


def test_the_output_of_a_line_that_was_typed_before_is_not_taken_for_ours(
    container: Container,
) -> None:
    for number in range(20):
        with container.attended():
            # Nothing waits here for bash: it may not have read the first line yet.
            container.terminal.type(b"echo before\r")
            text = f"echo {number}"
            result = run(container.terminal, container.live, text, timeout=20, output=None)
        assert result == LineResult(0, f"{number}\n")


@pytest.mark.parametrize("char", ["\x00", "\x03", "\x04", "\x1b", "\r", "\x1a", "\x7f"])
def test_a_control_character_is_refused(char: str, container: Container) -> None:
    with pytest.raises(UsageError, match="control character") as error:
        container.run(f"echo a{char}b")
    assert error.value.fix == "enter, to type keys"
    assert container.run("echo next").output == "next\n"


def test_a_line_that_is_too_long_is_refused(container: Container) -> None:
    with pytest.raises(UsageError, match="the line has 1000005 bytes; bash is given at most"):
        container.run("echo " + "x" * 1_000_000)


def test_the_longest_line_works(container: Container) -> None:
    text = "x" * (65536 - 5)
    assert container.run(f"echo {text}").output == text + "\n"


def test_bytes_that_are_no_text_can_be_typed(container: Container) -> None:
    line = b"printf '\xff' | od -An -tx1".decode("utf-8", "surrogateescape")
    assert container.run(line).output.strip() == "ff"


def test_a_half_typed_line_is_set_aside_and_put_back(container: Container) -> None:
    container.type(b"echo kept 'not run")
    wait_until(lambda: "not run" in container.logs(), "the keys")
    assert container.run("echo between") == LineResult(0, "between\n")
    assert container.run("echo again") == LineResult(0, "again\n")
    container.type(b" yet'\r")
    wait_until(printed(container, "kept not run yet"), "the finished line")


def test_the_cursor_of_a_half_typed_line_stays_where_it_was(container: Container) -> None:
    container.type(b"echo ad\x1b[D")
    wait_until(lambda: "echo ad" in container.logs(), "the keys")
    container.run("true")
    container.type(b"bc\r")
    wait_until(printed(container, "abcd"), "the finished line")


def test_a_busy_bash_is_named_and_not_typed_into(container: Container) -> None:
    container.type(b"sleep 1000\r")
    wait_until(in_front(container, "sleep 1000"), "sleep")
    group = container.terminal.foreground_group()
    with pytest.raises(Refused, match=re.escape(f"bash is busy: sleep 1000 ({group})")):
        container.run("echo no")


def test_a_waiting_continuation_is_refused(container: Container) -> None:
    container.type(b"echo 'a\r")
    wait_until(lambda: container.state is ShellState.CONTINUATION, "the second prompt")
    with pytest.raises(Refused, match="bash waits for the rest of a command"):
        container.run("true")


def test_a_command_that_reads_gets_nothing_that_was_not_typed(container: Container) -> None:
    with pytest.raises(TimedOut):
        container.run("read -r x", timeout=0.3)
    assert container.run("cat </dev/null") == LineResult(0, "")


def test_a_program_that_changes_the_terminal_leaves_a_working_prompt(
    container: Container,
) -> None:
    container.run("stty -echo -icanon")
    assert container.run("echo one") == LineResult(0, "one\n")
    container.run("printf '\\e[?1049h\\e[?25l'")
    assert container.run("echo two") == LineResult(0, "two\n")


def test_replacing_bash_by_another_program_is_noticed(container: Container) -> None:
    with pytest.raises(TimedOut):
        container.run("exec sleep 1000", timeout=0.3)
    assert container.dead or container.state is not ShellState.IDLE


def test_the_scrollback_has_what_was_shown(container: Container) -> None:
    container.run("echo in the log")
    assert "in the log" in container.logs()
    assert "133;" not in container.logs()
