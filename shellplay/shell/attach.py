"""Connect the user's terminal with the pty of a container, until the detach key.

The user's terminal is raw meanwhile.  At the end it gets back its modes, also the DEC
private modes that a program inside left on.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

from shellplay.errors import Refused
from shellplay.model import ShellState, Value
from shellplay.shell.detach_keys import DetachKeys
from shellplay.shell.enter_bar import EnterBar
from shellplay.shell.osc133 import Mark
from shellplay.shell.pty import set_size
from shellplay.shell.terminal import Terminal
from shellplay.shell.user_terminal import UserTerminal

READ_SIZE = 65536
REDRAW_SECONDS = 0.1
MOMENT_MS = 30


class RelayEnd(Value):
    """The end of a relay: ``detached``, ``exited`` or ``hangup``, and the unused keys."""

    reason: str
    unread: bytes = b""


class Relay:
    """A connection between the user's terminal and the pty of a container.

    ``on_keys`` gets the keys before bash does.  ``keys`` is the descriptor of our standard
    input.  ``bar`` is a bar below the container's rows; None: there is none.  Raises Refused
    if standard input or output is not a terminal.
    """

    def __init__(
        self,
        terminal: Terminal,
        detach_keys: str,
        on_keys: Callable[[bytes], None] | None = None,
        bar: EnterBar | None = None,
    ) -> None:
        self._terminal = terminal
        self._on_keys = on_keys
        self._detach = DetachKeys(detach_keys)
        self._user = UserTerminal()
        self.keys = self._user.keys
        self._pending = b""
        self._shown: list[bytes] = []
        # The output may go to a pipe, as it is; only keys take a terminal.
        self._has_screen = os.isatty(self._user.screen)
        self._bar = bar if self._has_screen else None
        if not os.isatty(self.keys):
            raise Refused("this is not a terminal to enter with", "in LINE")

    def run(self, alive: int, typeahead: bytes, unread_output: bytes = b"") -> RelayEnd:
        """Pass keys and output on until the detach key, a hangup, or the end of the bash.

        ``unread_output`` is shown first.  ``alive`` is the pidfd of the bash.
        """
        with self._user.raw(), self._user.size_changes() as resized:
            self._copy_size()
            try:
                modes = self._terminal.screen_modes.set() if self._has_screen else b""
                bar = self._bar.begin() if self._bar else b""
                self._user.write(modes + bar + unread_output)
                with self._terminal.watched(self._show):
                    self._request_redraw(alive)
                    # The typed-ahead keys may contain the detach key.
                    left = self._take_keys(typeahead)
                    return left or self._loop(alive, resized)
            finally:
                if self._has_screen:
                    modes = self._terminal.screen_modes.unset()
                    bar = self._bar.end() if self._bar else b""
                    self._user.write(modes + bar + b"\x1b[0m\r\n")

    def _request_redraw(self, alive: int) -> None:
        """Make bash, or the program in front, draw its screen again."""
        terminal = self._terminal
        if terminal.state is ShellState.IDLE:
            # After an answer bash draws its prompt and the half-typed line.
            terminal.ask(":", alive=alive)
            self._pass_output()
        elif terminal.state is not ShellState.STARTING:
            # SIGWINCH makes a program draw, but only if it reads a new size.  So the second
            # change comes after it has drawn.  Keys wait, too: less(1) drops a key that comes
            # with the signal.
            set_size(terminal.master, terminal.columns + 1, terminal.rows)
            self._pass_output_for(REDRAW_SECONDS)
            self._copy_size()
            self._pass_output_for(REDRAW_SECONDS)

    def _pass_output_for(self, seconds: float) -> None:
        """Show output until there is none for a moment, at most for ``seconds``."""
        poll = select.poll()
        poll.register(self._terminal.master, select.POLLIN)
        deadline = time.monotonic() + seconds
        patience = seconds * 1000
        while poll.poll(patience) and time.monotonic() < deadline and self._pass_output():
            patience = MOMENT_MS

    def _loop(self, alive: int, resized: int) -> RelayEnd:
        master = self._terminal.master
        poll = select.poll()
        poll.register(resized, select.POLLIN)
        poll.register(alive, select.POLLIN)
        wanted = None
        while True:
            before, wanted = (
                wanted,
                (
                    len(self._pending) < READ_SIZE,
                    bool(self._pending) and not self._terminal.unread.asked,
                ),
            )
            if wanted != before:
                has_room, has_keys = wanted
                poll.register(self.keys, select.POLLIN if has_room else 0)
                poll.register(master, select.POLLIN | (select.POLLOUT if has_keys else 0))
            ready = dict(poll.poll(self._bar.wait_ms() if self._bar else None))
            if self._bar:
                self._user.write(self._bar.due())
            if ready.get(master, 0) & select.POLLOUT:
                self._pending = self._pending[self._terminal.write_keys(self._pending) :]
            if ready.get(master, 0) & ~select.POLLOUT and self._pass_output():
                continue  # All output is shown before the end of the bash is handled.
            if resized in ready:
                os.read(resized, READ_SIZE)
                self._copy_size()
                self._user.write(self._bar.begin_again() if self._bar else b"")
            if alive in ready:
                return RelayEnd("exited", self._pending)
            if self.keys in ready:
                keys = os.read(self.keys, READ_SIZE)
                left = self._take_keys(keys) if keys else RelayEnd("hangup")
                if left is not None:
                    return left

    def _pass_output(self) -> bool:
        """Show the present output; return False if there is none, or after a hangup."""
        self._terminal.read()
        output = b"".join(self._shown)
        self._shown.clear()
        self._user.write(output)
        if self._bar:
            self._bar.saw(output)
        return bool(output)

    def _copy_size(self) -> None:
        columns, rows = os.get_terminal_size(self.keys)
        if self._bar is None:
            self._user.copy_size(self._terminal)
        elif columns and rows:
            self._terminal.resize(*self._bar.resize(columns, rows))

    def _take_keys(self, keys: bytes) -> RelayEnd | None:
        if keys:
            self._terminal.typed_since_prompt = True
        passed, unread = self._detach.take(keys)
        if self._on_keys is not None:
            self._on_keys(passed)
        if unread is None:
            self._pending += passed
            return None
        self._terminal.queue_keys(self._pending + passed)
        self._pending = b""
        return RelayEnd("detached", unread)

    def _show(self, piece: bytes | Mark) -> None:
        if not isinstance(piece, Mark):
            self._shown.append(piece)
