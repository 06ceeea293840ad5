"""Stories without a terminal: scripts, pipes, odd bytes, and what a person would not type."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.repl.program import environment, shellplay
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e
# Each of its 16 pages may stay half empty, if what is written next does not fit, pipe(7).
PIPE_IS_FULL = 30_000


def test_the_exit_status_tells_a_script_what_happened() -> None:
    assert shellplay("-c", "new web; fences").returncode == 0
    assert shellplay("-c", "in exit 7 | false").returncode == 1
    assert shellplay("-c", "in false | exit 7").returncode == 7
    assert shellplay("-c", "fense pid").returncode == 2
    assert shellplay("--no-such-option").returncode == 2
    assert shellplay("-c", "in --timeout 0.2 sleep 1000").returncode == 124


def test_every_json_document_of_a_session_can_be_parsed() -> None:
    lines = ["new web", "fence uts pid", "ps", "ps host", "fences", "inspect", "containers"]
    done = shellplay("--json", "-c", "; ".join(lines))
    assert done.returncode == 0, done.stderr
    documents = [json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"]
    assert [each["kind"] for each in documents] == [
        "ps",
        "ps",
        "fences",
        "inspect",
        "containers",
    ]


@pytest.mark.everyone
def test_fences_go_up_and_come_off_through_a_pipe() -> None:
    script = b"fence uts pid mnt\nin echo pid-$$\npeel all\nin echo up-$((40+2))\n"
    done = shellplay(typed=script)
    assert done.returncode == 0, done.stderr
    assert "pid-1\n" in done.stdout
    assert done.stdout.endswith("up-42\n")
    assert ("user fence is up" in done.stderr) == (os.geteuid() != 0)


def test_a_line_of_a_megabyte_is_refused_in_a_sentence_and_the_next_one_runs() -> None:
    typed = b"in echo " + b"x" * (1 << 20) + b"\nin echo after-$((40+2))\n"
    done = shellplay("--keep-going", typed=typed)
    assert done.returncode != 0
    assert "after-42\n" in done.stdout
    assert len(done.stderr) < 500


def test_bytes_that_are_no_utf_8_reach_the_bash_as_they_are() -> None:
    done = shellplay(typed=b"in printf %s '\xff\xc3\xa9' | od -An -tx1\n")
    assert done.returncode == 0, done.stderr
    assert "ff c3 a9" in done.stdout


def test_what_runs_inside_cannot_send_escapes_to_our_terminal() -> None:
    done = shellplay("-c", "in printf '\\033]0;title\\007\\033[2Jgone\\n'")
    assert "\x1b" not in done.stdout
    assert "gone" in done.stdout


def test_no_color_and_pipes_have_no_colours() -> None:
    done = shellplay("-c", "new web; fence uts; fences; ps host; help", TERM="xterm-256color")
    assert "\x1b" not in done.stdout + done.stderr


def test_closed_streams_are_no_traceback() -> None:
    for redirection in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        line = f'"$0" -m shellplay -c "new web; fences; nonsense" {redirection}'
        done = subprocess.run(
            ["sh", "-c", line, sys.executable],
            capture_output=True, text=True, check=False, env=environment(), timeout=60,
        )  # fmt: skip
        assert "Traceback" not in done.stderr + done.stdout, (redirection, done.stderr)
        assert done.returncode in (1, 2), (redirection, done)


def test_a_reader_that_leaves_ends_the_program_quietly(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    line = f'"$0" -m shellplay -c "in seq 1000000" 2>{errors} | head -2'
    done = subprocess.run(
        ["sh", "-c", line, sys.executable],
        capture_output=True, text=True, check=False, env=environment(), timeout=60,
    )  # fmt: skip
    assert done.stdout == "1\n2\n"
    assert "Traceback" not in errors.read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_script_and_all_it_started(number: signal.Signals) -> None:
    line = "in sh -c 'echo go-$((40+2)); exec sleep 1000'"
    with subprocess.Popen(
        [sys.executable, "-m", "shellplay", "-c", f"{line}; quit; in echo never"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    ) as program:  # fmt: skip
        assert program.stdout
        assert program.stdout.readline().startswith("go-42") or program.stdout.readline()
        program.send_signal(number)
        output, errors = program.communicate(timeout=30)
    assert "Traceback" not in errors
    assert "never" not in output
    assert program.returncode == 128 + number


def test_it_can_be_ended_while_nobody_takes_its_output() -> None:
    words = [sys.executable, "-m", "shellplay", "-c", "in seq 10000000"]
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment()
    ) as program:
        assert program.stdout is not None
        pipe = program.stdout.fileno()
        wait_until(lambda: _waiting_in(pipe) > PIPE_IS_FULL, "the pipe to be full")
        program.terminate()
        try:
            assert program.wait(timeout=10) == 128 + signal.SIGTERM
        finally:
            program.kill()


def _waiting_in(pipe: int) -> int:
    size = bytearray(4)
    fcntl.ioctl(pipe, termios.FIONREAD, size)
    return int.from_bytes(size, sys.byteorder)
