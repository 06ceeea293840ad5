"""Start-up pays for what it uses: what is imported, as Python itself tells it."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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

# The modules of Python that the way to the first fence may load, without those whose names
# begin with _: of the monitor, of a look at all layers, and of a fence.
LEAN = {
    *("collections", "contextlib", "contextvars", "ctypes", "enum", "errno", "functools"),
    *("itertools", "keyword", "operator", "reprlib", "signal", "struct", "types"),
}
# Loaded by site, which the monitor does without.
OS = {"genericpath", "os", "posixpath", "stat"}
SOCKETS = {"array", "math", "select", "selectors", "socket", "termios"}
TYPED = {
    *("atexit", "copyreg", "fcntl", "importlib", "re", "resource", "runpy", "threading"),
    *("typing", "warnings"),
}
LOADED_FOR = {
    "fences": LEAN | TYPED | {"unicodedata"},
    "fence pid": LEAN | TYPED | SOCKETS | {"shlex"},
}
# Why it does without the modules that one is tempted to load.
REASONS = {
    "argparse": "words that stand alone need no parser, see cli.options",
    "dataclasses": "it compiles code for each class: shellplay.model.Value has one __init__",
    "elftools": "the addresses in bash are kept from the last time, see shell.bash_symbols",
    "inspect": "the annotations of commands are read without it, see cmdline.registry",
    "json": "the monitor and stubs get marshalled data and send packed numbers",
    "logging": "errors are raised, and told once",
    "pathlib": "it loads urllib, and every Path costs more than the system call it is for",
    "shutil": "it loads bz2 and lzma",
    "typing": "the monitor needs types only while they are checked (TYPE_CHECKING)",
}


def too_much(found: set[str], allowed: set[str]) -> dict[str, str]:
    """Return the modules of Python that are not in a list, each with the reason for that."""
    names = {name.partition(".")[0] for name in found} - {"shellplay"}
    public = {name for name in names if not name.startswith("_")}
    return {each: REASONS.get(each, "not in the list") for each in public - allowed}


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


@pytest.fixture(scope="module")
def bare() -> set[str]:
    """The modules that Python loads before it runs a program, with this venv's site."""
    words = [sys.executable, "-X", "importtime", "-c", "pass"]
    return imported(subprocess.run(words, capture_output=True, text=True, check=True).stderr)


@pytest.mark.parametrize("line", LOADED_FOR)
def test_the_way_to_the_first_fence_loads_few_modules(
    line: str, bare: set[str], tmp_path: Path
) -> None:
    # The first time pyelftools reads the addresses in bash.
    shellplay("-c", line, XDG_CACHE_HOME=str(tmp_path))
    done = shellplay("-c", line, PYTHONPROFILEIMPORTTIME="1", XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = imported(done.stderr) - bare
    assert too_much(found, LOADED_FOR[line]) == {}
    unused = {
        *(f"shellplay.{name}" for name in ("cast", "docker", "image", "recipe", "stage")),
        *(f"shellplay.container.{name}" for name in ("copy", "exec", "start", "volumes")),
        *(f"shellplay.shell.{name}" for name in ("attach", "interrupt", "run_line")),
    }
    assert sorted(found & unused) == []
    assert not {name for name in found if name.startswith("elftools")}


def test_the_monitor_loads_few_modules() -> None:
    program = (
        "import sys; before = set(sys.modules); sys.path.insert(0, sys.argv[1]); "
        "import shellplay.monitor.process; print(*sys.modules.keys() - before)"
    )
    root = str(Path(__file__).parents[2])
    words = [sys.executable, "-I", "-S", "-c", program, root]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert too_much(set(done.stdout.split()), LEAN | SOCKETS | OS) == {}
