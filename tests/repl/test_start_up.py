"""Start-up pays for what it uses: what is imported, as Python itself tells it."""

import re
from collections.abc import Callable

import pytest

from tests.repl.program import shellplay
from tests.terminal import Terminal

IMPORTED = re.compile(r"import time: [^|]*\|[^|]*\| +([\w.]+)\r?$", re.MULTILINE)
# What draws and edits lines, and what only a container needs.
LIBRARIES = {"elftools", "prompt_toolkit", "psutil", "pygments", "rich"}
OF_CONTAINERS = {
    f"shellplay.{name}" for name in ("container.state", "fences", "playground.runtime", "shell")
}
OF_RECIPES = {f"shellplay.{name}" for name in ("cast", "recipe", "stage")}


def imported(told: str) -> set[str]:
    """Return the modules that Python said it imported, and the packages they are in."""
    parts = [name.split(".") for name in IMPORTED.findall(told)]
    assert parts, told
    return {".".join(path[:depth]) for path in parts for depth in range(1, len(path) + 1)}


@pytest.mark.parametrize(
    "line",
    ["--help", "--version", "-c help", "-c fences", "-c containers", "-c fences --json"],
)
def test_what_needs_no_container_loads_nothing_for_one(line: str) -> None:
    done = shellplay(*line.split(maxsplit=1), PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0, done.stderr
    heavy = {"asyncio", "ctypes", "difflib", "platform", "socket", "subprocess"}
    # What the kernel shows of a layer is known by its fence alone, and fences make calls.
    needed = {"ctypes", "shellplay.fences"} if "fences" in line else set()
    unused = LIBRARIES | OF_CONTAINERS | OF_RECIPES | heavy
    assert imported(done.stderr) & unused == needed


@pytest.mark.parametrize("line", ["doctor", "new; fence uts; in true; ps host; peel uts"])
def test_lines_from_outside_load_no_line_editor(line: str) -> None:
    done = shellplay("-c", line, PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0, done.stderr
    unused = {"asyncio", "prompt_toolkit", "pygments", "rich"} | OF_RECIPES
    assert not imported(done.stderr) & unused


@pytest.mark.e2e
def test_the_first_prompt_waits_for_nothing_that_only_what_is_typed_needs(
    open_terminal: Callable[..., Terminal],
) -> None:
    terminal = open_terminal(environment={"PYTHONPROFILEIMPORTTIME": "1"})
    before = imported(terminal.shell.before)
    assert "prompt_toolkit" in before
    unused = {"elftools", "pygments", "rich"} | OF_CONTAINERS | OF_RECIPES
    assert sorted(before & unused) == []
    terminal.send("new web\r")
    assert {"pygments", "shellplay.playground.runtime"} <= imported(
        terminal.expect("web: bash")
    )
