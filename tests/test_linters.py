"""Linters, types, sizes, and the promise that the CI runs what the README says."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "shellplay").rglob("*.py")) + sorted((ROOT / "tests").rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def run(*command: str) -> None:
    """Run a linter in the checkout and fail with what it says."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


def test_ruff_finds_nothing(tmp_path: Path) -> None:
    run("ruff", "check", "--cache-dir", str(tmp_path), ".")


def test_the_code_is_formatted(tmp_path: Path) -> None:
    run("ruff", "format", "--check", "--cache-dir", str(tmp_path), ".")


@pytest.mark.timeout(300)
def test_mypy_strict_finds_nothing() -> None:
    run("mypy")


def test_no_file_is_too_long() -> None:
    lengths = {path.relative_to(ROOT): path.read_text().count("\n") for path in FILES}
    assert not {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE}


def functions_in(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the place and the number of lines of every function of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", lines


def test_no_function_is_too_long() -> None:
    lengths = dict(pair for path in FILES for pair in functions_in(path))
    assert not {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION}


def test_the_ci_runs_the_test_command_of_the_readme() -> None:
    commands = (ROOT / "README.md").read_text().split("```sh\n")[1:]
    assert len(commands) == 2, "the README has exactly two set-up commands"
    test_command = commands[1].split("\n```")[0]
    assert test_command == (ROOT / ".ci" / "run").read_text().splitlines()[-1]


def test_the_quick_run_names_what_is_there() -> None:
    lines = (ROOT / "tests" / "quick").read_text().splitlines()
    names = [name for line in lines if (name := line.partition("#")[0].strip())]
    assert len(set(names)) == len(names)
    assert [name for name in names if not (ROOT / name).exists()] == []
