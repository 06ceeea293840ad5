"""Type lines into the live bash of a container."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from shellplay.container import jobs
from shellplay.container.state import ContainerState
from shellplay.kernel import procfs
from shellplay.model import Job, LineResult
from shellplay.shell import run_line

if TYPE_CHECKING:
    from shellplay.shell.foreground import Keyboard


def run(
    state: ContainerState,
    text: str,
    *,
    timeout: float | None,
    output: Callable[[str], None] | None = None,
    keyboard: Keyboard | None = None,
) -> LineResult:
    """Type a line and wait for its output and exit status; the container is attended.

    ``timeout`` is in seconds, None for no limit; ``output`` gets the text as it comes, and
    what runs gets the ``keyboard``.  Raises Refused if bash is busy, and TimedOut.
    """
    state.require_idle()
    foreground = None
    kept: AbstractContextManager[None] = nullcontext()
    if keyboard is not None and output is not None:
        # Loaded here: a script has no keyboard.
        from shellplay.shell.foreground import Foreground

        foreground = Foreground(state.terminal, keyboard, state.settings.detach_key)
        output, kept = foreground.shown_by(output), state.monitor.modes_kept(foreground.keys)
    try:
        with kept:
            result = run_line.run(
                state.terminal, state.live, text,
                timeout=timeout, output=output, foreground=foreground,
            )  # fmt: skip
        if not result.left:
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
