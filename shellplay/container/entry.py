"""Connect the user's terminal with that of a container."""

from __future__ import annotations

from collections.abc import Callable

from shellplay.container.process import ContainerProcess
from shellplay.container.state import ContainerState
from shellplay.model import ShellState
from shellplay.shell import enter_bar, run_line
from shellplay.shell.attach import Relay, RelayEnd


def enter(
    state: ContainerState,
    process: ContainerProcess | None,
    detach_keys: str,
    *,
    typeahead: bytes,
    heard: Callable[[bytes], None] | None,
    bar: str | None = None,
) -> RelayEnd:
    """Connect our terminal with the live bash until the detach keys, or its end.

    The container is attended.  ``heard`` gets the keys that are typed.  ``bar`` is the text of
    a bar in the last row.  Raises Refused if the program has no terminal.
    """
    if process:
        process.require_terminal()
    relay = Relay(state.terminal, detach_keys, heard, enter_bar.EnterBar(bar) if bar else None)
    if state.terminal.prompt_is_stale and state.shell_state is ShellState.IDLE:
        # Bash makes a new prompt only after a line, be it an empty one.
        run_line.run(state.terminal, state.live, "", timeout=None, output=None)
    unread = process.unread_output() if process else b""
    with state.monitor.modes_kept(relay.keys, enter_bar.FAREWELL if bar else b""):
        end = relay.run(state.live.pidfd, typeahead, unread)
    if not state.live.alive:
        state.on_exit()
    return end
