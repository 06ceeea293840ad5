"""Lines from -c, a file and a pipe: order, exit status, and what is said of failures."""

import json
from pathlib import Path

import pytest

from tests.repl.program import shellplay


def test_lines_run_one_after_the_other() -> None:
    done = shellplay("-c", "new web; in echo $((40+2)); containers")
    assert done.returncode == 0
    assert done.stderr.startswith("web: bash ")
    lines = done.stdout.splitlines()
    assert lines[0] == "42"
    assert "web" in lines[-1]


def test_a_command_that_needs_a_container_makes_one_and_says_so() -> None:
    done = shellplay("-c", "in echo hi")
    assert done.returncode == 0
    assert done.stderr.splitlines()[0].endswith("nothing fenced yet")
    assert done.stdout == "hi\n"


def test_what_a_line_prints_inside_is_all_that_a_script_reads() -> None:
    done = shellplay("-c", "fence pid; in echo $$")
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert "pid fence is up" in done.stderr


def test_quiet_leaves_out_the_notes_and_keeps_the_errors() -> None:
    done = shellplay("-q", "-c", "fence uts; in echo hi", "-c", "!exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "hi\n", "")
    done = shellplay("-kq", "-c", "use nix; !echo after")
    assert (done.returncode, done.stdout) == (1, "after\n")
    assert done.stderr.startswith("shellplay: there is no container 'nix'")


@pytest.mark.parametrize("line", ["in sh -c 'exit 7'", "exec sh -c 'exit 7'", "!exit 7"])
def test_the_status_of_the_line_that_failed_is_passed_on(line: str) -> None:
    assert shellplay("-c", "new; in true", "-c", line, "-c", "in false").returncode == 7
    assert shellplay("-k", "-c", "new; in false", "-c", line, "-c", "in true").returncode == 7


def test_with_json_an_error_is_a_document_too(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_text("new web\nuse nix\n")
    done = shellplay("--json", "-q", str(file))
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads(done.stderr) == {
        **{"shellplay": 1, "kind": "error", "message": "there is no container 'nix'"},
        **{"fix": "containers lists them", "where": f"{file}:2", "exit_status": 1},
        **{"call": None, "errno": None},
    }
    (error,) = shellplay("--json", str(tmp_path / "nowhere")).stderr.splitlines()
    assert json.loads(error)["exit_status"] == 2


@pytest.mark.parametrize("line", ["peel net", "kill %1", "inspect", "logs", "stop", "ps"])
def test_the_others_say_which_command_makes_one(line: str) -> None:
    done = shellplay("-c", line)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no container (new makes one" in done.stderr


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("help", 0),
        ("help fence root", 0),
        ("help root uts", 2),
        ("in true", 0),
        ("in false", 1),
        ("use nix", 1),
        ("enter", 1),
        ("fnord", 2),
        ("fence uts hostnam=x", 2),
        ("use 'web", 2),
        ("!exit 3", 3),
        ("in --timeout 0.2 read never", 124),
    ],
)
def test_the_exit_status_tells_what_happened(line: str, status: int) -> None:
    done = shellplay("-c", line)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr


def test_the_first_failure_ends_it_unless_told_to_go_on() -> None:
    assert "after" not in shellplay("-c", "use nix; !echo after").stdout
    done = shellplay("-k", "-c", "use nix; !echo after")
    assert (done.returncode, done.stdout) == (1, "after\n")


def test_nothing_runs_of_a_text_that_cannot_be_read() -> None:
    done = shellplay("-c", "!echo before", "-c", "use 'web")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_file_of_lines_names_the_line_that_failed(tmp_path: Path) -> None:
    file = tmp_path / "setup.txt"
    file.write_text("# a comment\n!echo one\n\nfnord\n!echo two\n")
    done = shellplay(str(file))
    assert (done.returncode, done.stdout) == (2, "one\n")
    assert f'{file}:4: unknown command "fnord"' in done.stderr


def test_a_pipe_is_a_file_of_lines() -> None:
    done = shellplay(typed=b"!echo one\nin echo \xff | od -An -tx1\nquit\n!echo two\n")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert (lines[0], lines[1].split()) == ("one", ["ff", "0a"])
    assert "two" not in done.stdout


def test_a_file_that_is_not_there_is_one_sentence() -> None:
    done = shellplay("/nowhere/at/all")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_a_file_that_cannot_be_read_is_one_sentence_too(tmp_path: Path) -> None:
    done = shellplay(str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"shellplay: {tmp_path} cannot be read: Is a directory (")


def test_with_json_the_sentences_are_no_part_of_standard_output() -> None:
    done = shellplay("--json", "-c", "new web; fence uts; fences; peel uts; use web")
    assert done.returncode == 0, done.stderr
    (document,) = map(json.loads, done.stdout.splitlines())
    assert document["kind"] == "fences"
    assert "web: uts fence is up" in done.stderr


def test_json_is_one_document_per_command() -> None:
    done = shellplay("--json", "-c", "containers; fences")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["shellplay"], one["kind"]) for one in documents] == [
        (1, "containers"),
        (1, "fences"),
    ]


def test_a_megabyte_of_nonsense_is_one_short_sentence() -> None:
    done = shellplay(typed=b"x" * 1_000_000 + b"\n")
    assert done.returncode == 2
    assert len(done.stderr) < 200
