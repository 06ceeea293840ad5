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
    with tempfile.TemporaryDirectory(prefix="sp-bench-") as home:
        environment = _at_home(Path(home))
        found = side_by_side(
            {
                "ours": program(
                    sys.executable, "-m", "shellplay", "-c", "fences", environment=environment
                ),
                "bare": program(sys.executable, "-I", "-c", "pass", environment=environment),
            },
            rounds,
        )
        bare = "python3 -I -c pass"
        yield Row(
            "`shellplay -c fences`, whole process", found["ours"], "ms", bare, found["bare"], 10
        )
        actions = {"ours": first_prompt(["-m", "shellplay"], "shellplay>", environment)}
        ipython = _ipython_venv()
        if ipython.exists():
            arguments = ["-m", "IPython", *IPYTHON_OPTIONS]
            actions["peer"] = first_prompt(arguments, r"In .*1", environment, str(ipython))
        found = side_by_side(actions, rounds)
        yield Row(
            "REPL to its first prompt", found["ours"], "ms", "IPython", found.get("peer"), 1
        )


def install_ipython() -> None:
    """Make a venv of this interpreter with IPython in it, kept in the cache."""
    python = _ipython_venv()
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "ipython"], check=True)


def first_prompt(
    arguments: list[str],
    prompt: str,
    environment: dict[str, str],
    python: str = sys.executable,
) -> Callable[[], float]:
    """Return an action that starts Python in a terminal and times it until ``prompt``."""

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


def _at_home(home: Path) -> dict[str, str]:
    """Return an environment with an empty home, where modules are compiled once.

    So both sides find them compiled, as whatever was installed does, also where this
    machine has Python compile a checkout anew each time.
    """
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    return {
        **kept,
        "HOME": str(home),
        "XDG_STATE_HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "TERM": "xterm",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "PYTHONPYCACHEPREFIX": str(home / "compiled"),
    }


def _ipython_venv() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "shellplay" / "bench-ipython" / "bin" / "python"
