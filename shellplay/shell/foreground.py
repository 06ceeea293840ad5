"""The user's terminal while one line runs in bash: as with ``ssh -t``.

The keys go to the program through its pty, Ctrl-C and Ctrl-Z too, and its terminal has the size
of the user's.  The detach key leaves the line running.  Keys that no program has read by the
end of the line are for the prompt of the user.
"""

from __future__ import annotations

import os
import select
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from shellplay.errors import ShellGone, TimedOut
from shellplay.kernel import procfs
from shellplay.kernel.signals import deferred
from shellplay.shell.detach_keys import DetachKeys
from shellplay.shell.interrupt import INTERRUPT
from shellplay.shell.pty import READ_SIZE
from shellplay.shell.terminal import HANGUP, Terminal
from shellplay.shell.user_terminal import UserTerminal

LOCAL_MODES, CONTROL_KEYS = 3, 6
# Who has typed ^C so often, and nothing else, is told of the detach key.
MANY_INTERRUPTS = 3


class Keyboard:
    """The user's keyboard, for one line.

    ``unread`` are keys that were typed before the line; after it they are those that nobody
    has read.  ``tell`` shows a sentence while the program has the terminal.  ``draws`` is true
    if the program may move the cursor, ``resizes`` if it gets the size of the window.
    """

    def __init__(
        self, unread: bytes, tell: Callable[[str], None], *, draws: bool, resizes: bool
    ) -> None:
        self.unread = unread
        self.tell = tell
        self.draws = draws
        self.resizes = resizes
        self.was_used = False


class Foreground:
    """Connects the user's terminal with the pty of a bash while a line runs.

    ``keys`` is the descriptor of the user's keyboard.  ``draws`` is that of the keyboard.
    ``left`` is true once the detach key was typed.
    """

    def __init__(self, terminal: Terminal, keyboard: Keyboard, detach_keys: str) -> None:
        self._terminal = terminal
        self._keyboard = keyboard
        self._key_name = detach_keys.replace("C-", "Ctrl-")
        self._detach = DetachKeys(detach_keys)
        self._user = UserTerminal()
        self._pending = self._after = b""
        self._resized = -1
        self._interrupts = 0
        self._fills_screen = False
        self._is_running: Callable[[], bool] = lambda: False
        self._interrupt: Callable[[], None] = lambda: None
        self.keys = self._user.keys
        self.draws = keyboard.draws
        self.left = False

    @contextmanager
    def connected(
        self, is_running: Callable[[], bool], interrupt: Callable[[], None]
    ) -> Iterator[None]:
        """Have the user's terminal for the block; its modes come back.

        Keys are typed while ``is_running()`` is true.  ``interrupt`` is called in the place of
        a ^C that is a signal.
        """
        self._is_running, self._interrupt = is_running, interrupt
        terminal, user = self._terminal, self._user
        with user.raw(drawn=self.draws), user.size_changes() as self._resized:
            if user.size() != (terminal.columns, terminal.rows):
                self._copy_size()
            self._take(self._keyboard.unread)
            try:
                yield
            finally:
                if self.draws:
                    user.write(terminal.screen_modes.unset())
                self._keyboard.unread = self._left_over()

    def wait(
        self, until: Callable[[], bool], *, timeout: float | None, alive: int | None
    ) -> None:
        """Pass keys and sizes on until ``until()`` is true; otherwise as `Terminal.wait`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            if not until():
                self._type()
            if until():
                return
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._pass_on(left, alive):
                raise ShellGone("the bash has ended")
            if left == 0.0 and not until():
                raise TimedOut("bash did not answer in time")

    def shown_by(self, output: Callable[[str], None]) -> Callable[[str], None]:
        """Return a function that shows output by ``output``.

        It tells the user when a program has switched to the alternate screen.
        """

        def show(text: str) -> None:
            if not self._fills_screen and self._terminal.screen_modes.is_alternate:
                self._fills_screen = True
                words = procfs.arguments(self._terminal.foreground_group())
                name = os.path.basename(words[0]) if words else "a program"
                self._keyboard.tell(
                    f"{name} fills the screen, so this is enter now: "
                    f"{self._key_name} comes back"
                )
            output(text)

        return show

    def _pass_on(self, seconds: float | None, alive: int | None) -> bool:
        """Wait for output, keys or a new size, and pass them on; return False at the end."""
        master, keys = self._terminal.master, self._user.keys
        poll = select.poll()
        is_full = bool(self._pending) and self._is_running()
        poll.register(master, select.POLLIN | (select.POLLOUT if is_full else 0))
        poll.register(self._resized, select.POLLIN)
        if not self.left:
            poll.register(keys, select.POLLIN)
        if alive is not None:
            poll.register(alive, select.POLLIN)
        ready = dict(poll.poll(None if seconds is None else seconds * 1000))
        ended = alive in ready
        if ready.get(master, 0) & ~select.POLLOUT:
            with deferred():
                ended = self._terminal.read() == HANGUP
        if self._resized in ready:
            os.read(self._resized, READ_SIZE)
            self._copy_size()
        if keys in ready:
            # After a hangup there are no keys, and SIGHUP ends this program.
            typed = os.read(keys, READ_SIZE)
            self._take(typed)
            self.left = self.left or not typed
        return not ended

    def _copy_size(self) -> None:
        if self._keyboard.resizes:
            self._user.copy_size(self._terminal)

    # -- keys ----------------------------------------------------------------------------

    def _take(self, keys: bytes) -> None:
        passed, after = self._detach.take(keys)
        self._pending += passed
        if after is not None:
            self.left, self._after = True, after

    def _type(self) -> None:
        """Type the keys for which there is room, up to a ^C that is a signal."""
        if not (self._pending and self._is_running()):
            return
        keys, interrupt, after = self._pending, b"", b""
        if self._has_signals():
            keys, interrupt, after = keys.partition(INTERRUPT)
        written = 0
        if keys:
            self._keyboard.was_used, self._interrupts = True, 0
            with suppress(BlockingIOError):
                written = self._terminal.write_keys(keys)
        if not interrupt:
            self._pending = keys[written:]
            return
        # The kernel, too, drops what a program has not read before a ^C.
        self._pending = after
        self._interrupts += 1
        if self._interrupts == MANY_INTERRUPTS:
            self._keyboard.tell(f"{self._key_name} comes back to the prompt")
        self._interrupt()

    def _has_signals(self) -> bool:
        """Tell whether ^C is a signal and not a key for the program, see termios(3)."""
        modes = termios.tcgetattr(self._terminal.master)
        local, keys = modes[LOCAL_MODES], modes[CONTROL_KEYS]
        return bool(local & termios.ISIG) and keys[termios.VINTR] == INTERRUPT

    def _left_over(self) -> bytes:
        """Return the keys that nobody has read; a line that is left gets those before."""
        unread = self._terminal.unread.take()
        if self.left and self._is_running():
            self._terminal.queue_keys(self._pending)
            return self._after
        return unread + self._pending + self._after
