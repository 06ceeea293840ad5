"""Rows: one command from the outside, and the REPL to its first prompt."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect

from tests.bench.clock import program, side_by_side
from tests.bench.table import Row

IPYTHON_OPTIONS = ["--no-banner", "--no-confirm-exit", "--colors=NoColor"]


def rows(rounds: int) -> Iterator[Row]:
    """Yield the start-up of ``-c`` beside bare Python, and of the REPL beside IPython."""
    found = side_by_side(
        {
            "ours": program(sys.executable, "-m", "shellplay", "-c", "fences"),
            "bare": program(sys.executable, "-I", "-c", "pass"),
        },
        rounds,
    )
    bare = "python3 -I -c pass"
    yield Row(
        "`shellplay -c fences`, whole process", found["ours"], "ms", bare, found["bare"], 10
    )
    with tempfile.TemporaryDirectory(prefix="sp-bench-") as home:
        actions = {"ours": first_prompt(["-m", "shellplay"], "shellplay>", home)}
        ipython = _ipython_venv()
        if ipython.exists():
            arguments = ["-m", "IPython", *IPYTHON_OPTIONS]
            actions["peer"] = first_prompt(arguments, r"In .*1", home, str(ipython))
        found = side_by_side(actions, rounds)
    yield Row("REPL to its first prompt", found["ours"], "ms", "IPython", found.get("peer"), 1)


def install_ipython() -> None:
    """Make a venv of this interpreter with IPython in it, kept in the cache."""
    python = _ipython_venv()
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "ipython"], check=True)


def first_prompt(
    arguments: list[str], prompt: str, home: str, python: str = sys.executable
) -> Callable[[], float]:
    """Return an action that starts Python in a terminal and times it until ``prompt``."""
    environment = {
        **os.environ,
        "HOME": home,
        "XDG_STATE_HOME": home,
        "XDG_CONFIG_HOME": home,
        "TERM": "xterm",
        "PROMPT_TOOLKIT_NO_CPR": "1",
    }

    def start() -> float:
        started = time.perf_counter()
        shell = pexpect.spawn(python, arguments, env=environment, timeout=30)
        shell.delaybeforesend = None
        shell.expect(prompt)
        taken = time.perf_counter() - started
        # Leaving in order, and not counted: what is cleaned up must not slow the next one.
        shell.send("\x04")
        shell.expect(pexpect.EOF)
        shell.wait()
        os.close(shell.child_fd)
        shell.child_fd, shell.closed = -1, True
        return taken

    return start


def _ipython_venv() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "shellplay" / "bench-ipython" / "bin" / "python"
