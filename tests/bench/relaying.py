"""Rows: the cost of ``enter`` between a keyboard and the bash, beside script(1)."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pexpect

from tests.bench.table import Row

MEGABYTES = 64
KEYS = 300
LINE = b"the quick brown fox jumps over the lazy dog, and the relay carries it on\n"
BASH = ["bash", "--norc", "--noprofile"]


def rows(rounds: int) -> Iterator[Row]:
    """Yield throughput beside script(1), and the latency added to a bash on a bare terminal."""
    speeds: dict[str, list[float]] = {name: [] for name in SETUPS}
    delays: dict[str, list[float]] = {name: [] for name in SETUPS}
    with tempfile.NamedTemporaryFile(prefix="sp-bench-") as file:
        for _ in range(MEGABYTES * 1_000_000 // len(LINE)):
            file.write(LINE)
        file.flush()
        for _ in range(max(3, rounds // 5)):
            for name, setup in SETUPS.items():
                with setup() as shell:
                    delays[name] += _echo_delays(shell)
                    speeds[name].append(_throughput(shell, Path(file.name)))
    fast = {name: statistics.median(found) for name, found in speeds.items()}
    slow = {name: statistics.median(found) * 1000 for name, found in delays.items()}
    yield Row(
        "`enter`, output",
        fast["enter"],
        "MB/s",
        "script",
        fast["script"],
        1,
        more_is_better=True,
    )
    yield Row("`enter`, output", fast["enter"], "MB/s", "bare terminal", fast["bare"])
    yield Row("`enter`, echo of a key", slow["enter"], "ms", "script", slow["script"])
    yield Row(
        "`enter`, added to the echo of a key", slow["enter"] - slow["bare"], "ms", budget=1
    )


@contextmanager
def _bare() -> Iterator[pexpect.spawn]:
    with _spawned(BASH) as shell:
        yield shell


@contextmanager
def _script() -> Iterator[pexpect.spawn]:
    with _spawned(["script", "--quiet", "--command", " ".join(BASH), os.devnull]) as shell:
        yield shell


@contextmanager
def _enter() -> Iterator[pexpect.spawn]:
    with _spawned([sys.executable, "-m", "shellplay", "--no-config"]) as shell:
        shell.expect("shellplay>")
        shell.send("enter\r")
        yield shell


SETUPS: dict[str, Callable[[], AbstractContextManager[pexpect.spawn]]] = {
    "enter": _enter,
    "script": _script,
    "bare": _bare,
}


@contextmanager
def _spawned(command: list[str]) -> Iterator[pexpect.spawn]:
    environment = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
    shell = pexpect.spawn(command[0], command[1:], env=environment, timeout=60)
    shell.delaybeforesend = None
    try:
        yield shell
    finally:
        shell.close(force=True)


def _ready(shell: pexpect.spawn) -> None:
    """Wait until a bash reads keys: it answers with a computed line."""
    shell.send("bind 'set enable-bracketed-paste off'; PS1='> '; echo ready-$((20+3))\r")
    shell.expect("ready-23\r\n> ")


def _echo_delays(shell: pexpect.spawn) -> list[float]:
    """Press keys one by one; return the seconds until the echo of each."""
    _ready(shell)
    found = []
    for _ in range(KEYS):
        started = time.perf_counter()
        os.write(shell.child_fd, b"x")
        while b"x" not in os.read(shell.child_fd, 4096):
            continue
        found.append(time.perf_counter() - started)
    shell.sendcontrol("u")
    return found


def _throughput(shell: pexpect.spawn, file: Path) -> float:
    """Let bash print a file; return the throughput in megabytes per second."""
    _ready(shell)
    shell.send(f"cat {file}; echo end-$((40+2))\r")
    tail = b""
    started = time.perf_counter()
    while b"end-42" not in tail:
        tail = tail[-8:] + os.read(shell.child_fd, 65536)
    return file.stat().st_size / 1e6 / (time.perf_counter() - started)
