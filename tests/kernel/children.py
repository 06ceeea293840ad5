"""Child processes for tests: start them, and read their state."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from shellplay.kernel import procfs
from tests.waiting import wait_until

Child = subprocess.Popen[bytes]
Start = Callable[..., Child]


@contextmanager
def starting() -> Iterator[Start]:
    """Yield ``start(*words)``: it starts a process with pipes, killed after the block.

    If the first word has several lines it is Python, and its first line is waited for.
    """
    with ExitStack() as ends:

        def start(*words: str) -> Child:
            python = "\n" in words[0]
            command = [sys.executable, "-c", *words] if python else words
            child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
            ends.enter_context(child)
            ends.callback(child.kill)
            if python:
                assert read_line(child) == "ready"
            return child

        yield start


def read_line(child: Child) -> str:
    """Return the next line that a child prints."""
    assert child.stdout is not None
    return child.stdout.readline().decode().strip()


def say(child: Child, content: bytes) -> None:
    """Write to the standard input of a child."""
    assert child.stdin is not None
    child.stdin.write(content)


def state(pid: int) -> str | None:
    """Return the state letter of a process as in ps(1), None if the process has ended."""
    found = procfs.stat(pid)
    return None if found is None else found.state


def waiting_call(pid: int) -> list[int]:
    """Return the system call in which a process waits: number, six arguments, stack and program
    counter, see proc_pid_syscall(5); empty if it runs.
    """
    words = Path(f"/proc/{pid}/syscall").read_text().split()
    return [int(word, 0) for word in words] if len(words) == 9 else []


def asleep(child: Child) -> int:
    """Wait until a child waits in a system call, and return its PID."""
    wait_until(lambda: state(child.pid) == "S" and waiting_call(child.pid), "its call")
    return child.pid
