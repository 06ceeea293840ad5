"""Conditions to wait for: programs that run in a container, text on its terminal."""

from __future__ import annotations

from collections.abc import Callable

from shellplay.container.container import Container
from shellplay.kernel import procfs
from shellplay.model import Job, ShellState
from tests.waiting import wait_until

Condition = Callable[[], bool]


def in_front(container: Container, command: str) -> Condition:
    """``command`` (its name in the kernel) runs in the foreground, and the terminal is busy."""

    def condition() -> bool:
        # The kernel shows it before the mark arrives: the prompt before could still be seen.
        if container.state is not ShellState.BUSY:
            return False
        group = container.terminal.foreground_group()
        return group != container.pid and procfs.arguments(group) == tuple(command.split())

    return condition


def at_prompt(container: Container) -> Condition:
    """Bash waits at its prompt."""
    return lambda: container.state is ShellState.IDLE


def printed(container: Container, text: str) -> Condition:
    """A complete line of the terminal is ``text``."""
    return lambda: any(line.strip() == text for line in container.logs().splitlines())


def spawned(container: Container, command: str) -> Job:
    """Start a job, wait until its program runs (not the forked bash), and return it."""
    job = container.spawn(command)
    assert job.pid is not None
    pid = job.pid
    wait_until(lambda: procfs.arguments(pid) == tuple(command.split()), command)
    return job


def start_in_front(container: Container, command: str) -> None:
    """Type a command and wait until its program runs in the foreground."""
    container.type(command.encode() + b"\r")
    wait_until(in_front(container, command), f"{command} in front")


def interrupt(container: Container, key: bytes = b"\x03") -> None:
    """Type ^C (or ^Z) and wait until bash is at its prompt again."""
    container.type(key)
    wait_until(at_prompt(container), "the prompt")
