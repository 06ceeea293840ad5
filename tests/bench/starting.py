"""Rows: one command by ``-c``, and the REPL up to its first prompt."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect

from tests.bench.clock import Spent, Watch, program, side_by_side
from tests.bench.table import Row

# What ``-c`` is given, with its budget.
LINES = {"fences": 5.0, "fence pid" if os.geteuid() == 0 else "fence user": 9.0}
IPYTHON_OPTIONS = ["--no-banner", "--no-confirm-exit", "--colors=NoColor"]


def rows(rounds: int) -> Iterator[Row]:
    """Yield whole processes of ``-c`` beside bare Python, and the REPL beside IPython."""
    with tempfile.TemporaryDirectory(prefix="sp-bench-") as home:
        environment = _at_home(Path(home))
        bare = "python3 -I -c pass"
        actions: dict[str, Callable[[], object]] = {
            bare: program(sys.executable, "-I", "-c", "pass", environment=environment),
        }
        for line in LINES:
            words = (sys.executable, "-m", "shellplay", "-c", line)
            actions[line] = program(*words, environment=environment)
        found = side_by_side(actions, rounds)
        for line, budget in LINES.items():
            yield Row.of(f"`shellplay -c '{line}'`", found[line], bare, found[bare], budget)
        prompts = {"ours": first_prompt(["-m", "shellplay"], "shellplay>", environment)}
        ipython = _ipython_venv()
        if ipython.exists():
            arguments = ["-m", "IPython", *IPYTHON_OPTIONS]
            prompts["peer"] = first_prompt(arguments, r"In .*1", environment, str(ipython))
        found = side_by_side(prompts, rounds)
        what = "REPL to its first prompt"
        yield Row.of(what, found["ours"], "IPython", found.get("peer"), 1 / 3)


def install_ipython() -> None:
    """Make a venv with IPython in the cache."""
    python = _ipython_venv()
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "ipython"], check=True)


def first_prompt(
    arguments: list[str],
    prompt: str,
    environment: dict[str, str],
    python: str = sys.executable,
) -> Callable[[], Spent]:
    """Return an action that starts Python in a terminal and times it until ``prompt``."""

    def start() -> Spent:
        watch = Watch()
        shell = pexpect.spawn(python, arguments, env=environment, timeout=120)
        shell.delaybeforesend = None
        shell.expect(prompt)
        spent = watch.spent()
        # The exit is not measured, but awaited: its cleanup must not slow the next run.
        shell.send("\x04")
        shell.expect(pexpect.EOF)
        shell.wait()
        os.close(shell.child_fd)
        shell.child_fd, shell.closed = -1, True
        return spent

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
