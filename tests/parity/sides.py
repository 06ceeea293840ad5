"""The two sides: a real Docker, and ``shellplay run``."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

import pyseccomp

from tests.parity.daemon import Daemon
from tests.parity.image import INSIDE, PYTHON
from tests.parity.scenarios import ENDS, Scenario

IMAGE = "parity"
HIGHEST_CALL = 470
# These calls end or stop the caller, cannot be refused, or accept -1 as a key.
NOT_TRIED = {
    "exit", "exit_group", "rt_sigreturn", "fork", "vfork", "pause", "vhangup", "sync",
    "msgget", "semget", "shmget",
}  # fmt: skip
SECONDS = 120
# The sequences that reset the colours of a terminal after the output of a program.
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class End(NamedTuple):
    """How a command has ended."""

    status: int
    output: str
    errors: str


class Side(Protocol):
    """A side: it can run a program in a container."""

    name: str

    def command(self, options: Sequence[str], words: Sequence[str]) -> list[str]:
        """Return the command line that runs words in the image."""

    def host(self, kind: str) -> int:
        """Return the inode of the host's namespace of a kind."""


class Docker:
    """Docker, with the image loaded."""

    name = "docker"

    def __init__(self, daemon: Daemon, image: Path) -> None:
        self._daemon = daemon
        subprocess.run(
            daemon.command("import", str(image), IMAGE),
            check=True, stdout=subprocess.DEVNULL, timeout=SECONDS,
        )  # fmt: skip

    def command(self, options: Sequence[str], words: Sequence[str]) -> list[str]:
        """Return the command line of docker run."""
        return self._daemon.command("run", "--rm", *options, IMAGE, *words)

    def host(self, kind: str) -> int:
        """Return the inode of a namespace of dockerd, which is the host for its containers."""
        return Path(f"/proc/{self._daemon.pid}/ns/{kind}").stat().st_ino


class Shellplay:
    """This checkout, with the image in a store of its own."""

    name = "shellplay"

    def __init__(self, image: Path, store: Path) -> None:
        self._prefix = ["env", f"XDG_DATA_HOME={store}", sys.executable, "-m", "shellplay"]
        subprocess.run(
            [*self._prefix, "-c", f"image import {image} {IMAGE}"],
            check=True, stdout=subprocess.DEVNULL, timeout=SECONDS,
        )  # fmt: skip

    def command(self, options: Sequence[str], words: Sequence[str]) -> list[str]:
        """Return the command line of shellplay run."""
        return [*self._prefix, "run", "--rm", *options, IMAGE, *words]

    def host(self, kind: str) -> int:
        """Return the inode of our own namespace."""
        return Path(f"/proc/self/ns/{kind}").stat().st_ino


def ask(side: Side, scenario: Scenario) -> dict[str, str]:
    """Return all answers of one side; only ``run`` if no program could run."""
    run = _in_terminal if scenario.terminal else _in_pipes
    status = run(side.command(scenario.options, ["cat", "/proc/self/status"]))
    asked = run(side.command(scenario.options, [PYTHON, INSIDE, json.dumps(numbers())]))
    if status.status or asked.status:
        failed = status if status.status else asked
        return {"run": f"exit {failed.status}: {(failed.errors or failed.output).strip()}"}
    found: dict[str, str] = json.loads(asked.output)
    for line in filter(None, status.output.splitlines()):
        name, _, value = line.partition(":")
        found[f"status.{name}"] = " ".join(value.split())
    return found


def ends(side: Side) -> dict[str, str]:
    """Return the exit statuses of the programs of EXITS."""
    alone = ("--network", "none")
    return {
        f"exit.{name}": str(_in_pipes(side.command((*alone, *options), words)).status)
        for name, (options, words) in ENDS.items()
    }


def numbers() -> dict[str, int]:
    """Return the numbers of the tried system calls by name."""
    named: dict[str, int] = {}
    for number in range(HIGHEST_CALL):
        with suppress(ValueError):
            named[pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, number).decode()] = number
    return {name: number for name, number in named.items() if name not in NOT_TRIED}


def _in_pipes(command: list[str]) -> End:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
    )
    return End(done.returncode, done.stdout.decode(), done.stderr.decode())


def _in_terminal(command: list[str]) -> End:
    """Run a command on a new terminal, which gets standard output and standard error."""
    master, slave = pty.openpty()
    try:
        process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": "xterm"},
        )  # fmt: skip
    finally:
        os.close(slave)
    pieces: list[bytes] = []
    with os.fdopen(master, "rb", buffering=0) as terminal:
        while True:
            try:
                piece = terminal.read(65536)
            except OSError:  # EIO: the last process has closed the terminal.
                break
            if not piece:
                break
            pieces.append(piece)
    text = b"".join(pieces).decode(errors="replace").replace("\r\n", "\n")
    return End(process.wait(SECONDS), COLOURS.sub("", text), "")
