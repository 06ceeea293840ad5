"""The end of a live bash, and of all bashes of a container."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from shellplay.container.fencing import Fencing
from shellplay.container.process import ContainerProcess
from shellplay.container.state import ContainerState
from shellplay.kernel import procfs
from shellplay.kernel.process_tree import end_until_quiet
from shellplay.shell.shell import Shell

FindOrphans = Callable[[], Iterable[int]]

# The monitor reports the status a moment after the end.
STATUS_SECONDS = 0.5


def handle_exit(
    state: ContainerState, fencing: Fencing, process: ContainerProcess | None
) -> None:
    """Note the end of the live bash, and say which bash waits outside, if one does.

    That one does not go on by itself: a program inside can end the bash whenever it likes.
    A notice says so, unless a command attends the end of ``process``.
    """
    if not state.handle_exit_once():
        return
    state.group.thaw()
    # A bash outside may be killed at any moment, and then the next one waits.
    while (outside := state.waiting) is not None:
        about = _about_the_end(state, fencing, outside)
        # PID 1 of a PID namespace that others joined cannot end before they are reaped.
        if outside.reap(state.live):
            state.notice(f"{state.label}: {about}; peel goes on with that")
            return
    # Before it counts as dead: who sees that may ask for its output, or for its status.
    said = _said_of_bash(state) if process is None else _said_of_program(state, process)
    state.dead = True
    fencing.release(keep_files=process is not None)
    if said:
        state.notice(f"{state.label}: {said}")


def _said_of_bash(state: ContainerState) -> str:
    """Say that a bash has ended; with status 0 its container is over."""
    state.is_over = state.monitor.status_soon(state.pid, STATUS_SECONDS) == 0
    if state.is_over:
        return f"bash {state.pid} has exited, and {state.label} is gone (new makes another)"
    return f"bash {state.pid} has exited (restart or rm {state.label})"


def _said_of_program(state: ContainerState, process: ContainerProcess) -> str | None:
    """Read the last output of a program, and say that it has ended; None if that is known."""
    if process.read_rest():
        return None
    assert state.spec is not None, "a program was started"
    return f"{state.spec.argv[0]} {state.pid} has ended"


def _about_the_end(state: ContainerState, fencing: Fencing, outside: Shell) -> str:
    """Say which bash has ended, behind which fences and how, and which one waits."""
    stat = procfs.stat(state.pid)
    status = os.waitstatus_to_exitcode(stat.wait_status) if stat is not None else None
    how = "" if status is None else f" by signal {-status}" if status < 0 else f" ({status})"
    kinds = ", ".join(fencing.ended_kinds)
    return f"the bash inside {kinds} has ended{how}, and bash {outside.pid} waits outside"


def kill_all(state: ContainerState, find_orphans: FindOrphans) -> set[int]:
    """End every bash with its descendants, and the orphans that have left them.

    Returns the host PIDs of those that have ended; a notice names what could not be ended.
    """
    state.group.thaw()
    shells = [shell for shell in (*state.parked, state.live) if shell.alive]
    bashes = {shell.pid for shell in shells}
    # A bash must not fork meanwhile.  It stays to be the parent of its orphans.
    for shell in shells:
        shell.stop()
    bottom = [shells[0].pid] if shells else []
    ended, left = end_until_quiet(lambda: bottom, bashes)
    for shell in shells:
        shell.kill()
    orphans, others = end_until_quiet(find_orphans)
    state.close_shells()
    state.tell_left(left | others)
    return ended | orphans | bashes
