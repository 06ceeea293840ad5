"""Type lines into the live bash of a container."""

from __future__ import annotations

from collections.abc import Callable

from shellplay.container import jobs
from shellplay.container.state import ContainerState
from shellplay.kernel import procfs
from shellplay.model import Job, LineResult
from shellplay.shell import run_line


def run(
    state: ContainerState,
    text: str,
    *,
    timeout: float | None,
    output: Callable[[str], None] | None = None,
) -> LineResult:
    """Type a line and wait for its output and exit status; the container is attended.

    ``timeout`` is in seconds, None for no limit; ``output`` gets the text as it comes.  Raises
    Refused if bash is busy, and TimedOut.
    """
    state.require_idle()
    try:
        result = run_line.run(state.terminal, state.live, text, timeout=timeout, output=output)
        jobs.await_programs(state.pid)
        return result
    finally:
        if not state.live.alive:
            state.on_exit()


def spawn(state: ContainerState, command: str, *, timeout: float | None) -> Job:
    """Start a background job of the live bash; the container is attended."""
    bash = state.pid
    before = set(procfs.children(bash))
    result = run(state, command.rstrip().removesuffix("&") + " &", timeout=timeout)
    new = [pid for pid in procfs.children(bash) if pid not in before]
    return run_line.job(result, new, command)
