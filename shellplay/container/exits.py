"""The end of a live bash, and of all bashes of a container."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shellplay.container.fencing import Fencing
from shellplay.container.process import ContainerProcess
from shellplay.container.state import ContainerState
from shellplay.errors import ShellGone
from shellplay.kernel.process_tree import kill_quietly


def handle_exit(
    state: ContainerState,
    fencing: Fencing,
    process: ContainerProcess | None,
    notice: Callable[[str], None],
) -> bool:
    """Wake the bash outside of a live one that has ended; return whether one is live.

    ``notice`` gets a sentence about it, unless a command attends the end of ``process``.
    """
    ended = state.pid
    state.group.thaw()
    before = fencing.applied.kinds
    while state.parked:
        try:
            fencing.fall_back()
        except ShellGone:
            continue  # The suspended bash has ended too: try the one outside of it.
        gone = [kind for kind in before if kind not in fencing.applied]
        notice(
            f"{state.label}: the bash inside {', '.join(gone)} has ended; "
            f"the one that was parked outside, {state.pid}, goes on"
        )
        return True
    state.dead = True
    fencing.release()
    if not (process and process.read_rest()):
        program = state.spec.argv[0] if state.spec else "bash"
        notice(f"{state.label}: {program} {ended} has ended")
    return False


def kill_all(state: ContainerState, orphans: Sequence[int]) -> list[int]:
    """Kill every bash with its descendants, and ``orphans`` that have left them.

    Returns the host PIDs of those that ended.
    """
    state.group.thaw()
    doomed = [*(state.members() if not state.dead else ()), *orphans]
    shells = (*state.parked, state.live)
    for shell in shells:
        shell.kill()
    for pid in doomed:
        kill_quietly(pid)
    for shell in shells:
        shell.close()
    state.parked.clear()
    return doomed
