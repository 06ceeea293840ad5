"""The terminal of a container: a pty whose output we always read.

The reader is the pty reader, or a command that attends the container.  The mark reader splits
the output.  Marks set the state of bash; text goes to the scrollback and to the watchers.
"""

from __future__ import annotations

import os
import select
import shlex
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from shellplay.errors import Refused, ShellGone, TimedOut
from shellplay.kernel import procfs
from shellplay.kernel.signals import deferred
from shellplay.model import ShellState
from shellplay.settings import USUAL
from shellplay.shell.bash_rc import accept_sequence, key_sequence, nonce_change
from shellplay.shell.dec_modes import ScreenModes
from shellplay.shell.osc133 import Mark, MarkReader
from shellplay.shell.pty import Pty
from shellplay.shell.scrollback import Scrollback
from shellplay.shell.unread_keys import UnreadKeys

# After a read of more bytes there may be more output.
FULL = 2048
HANGUP = -1
HIDDEN_TIMEOUT = 10.0
# A program inside may know the nonce, so hidden output must not fill our memory, nor last.
HIDDEN_BYTES = 64 * 1024 * 1024
HIDDEN_PATIENCE = 120.0
# Bytes that bash evaluates in a second at least, on a busy machine.
SCRIPT_SPEED = 500_000
REDRAW_TIMEOUT = 0.3
ABORT = b"\x07"

Watcher = Callable[[bytes | Mark], None]


class Terminal(Pty):
    """A pty, its scrollback, and the state of the bash on it, from the marks."""

    def __init__(
        self,
        columns: int = USUAL.columns,
        rows: int = USUAL.rows,
        *,
        term: str = USUAL.term,
        reports_lines: bool = False,
        scrollback: Scrollback | None = None,
    ) -> None:
        super().__init__(columns, rows)
        self.term = term
        self.reports_lines = reports_lines
        # The nonce of the marks, and the word in the hidden keys.
        self.nonce, self.key = os.urandom(8).hex(), os.urandom(8).hex()
        self.lock = threading.RLock()
        self.closed = False
        self.typed_since_prompt = False
        # The number of writes of keys.
        self.typed = 0
        # True if a fence may have changed the host name or user since the prompt was drawn.
        self.prompt_is_stale = False
        self.screen_modes = ScreenModes()
        self._scrollback = scrollback or Scrollback()
        self._watchers: list[Watcher] = []
        self.state = ShellState.STARTING
        self._reader = MarkReader(self.nonce)
        self._hidden: bytearray | None = None
        self._answer: bytes | None = None
        # The line that was typed last, if bash reports lines.
        self.line = b""
        self._unsent = bytearray()
        self.unread = UnreadKeys(self.key)
        # True until bash has been told the nonce.
        self._nonce_is_new = False
        self._pieces: deque[bytes | Mark] = deque()

    def keep(self, most: int) -> None:
        """Keep at most so many bytes of output, instead of about 256 KiB."""
        self._scrollback.keep(most)

    def successor(self) -> Terminal:
        """Return a terminal for a new bash in the place of the one here."""
        return self._like(self._scrollback)

    def _like(self, scrollback: Scrollback | None) -> Terminal:
        return Terminal(
            self.columns,
            self.rows,
            term=self.term,
            reports_lines=self.reports_lines,
            scrollback=scrollback,
        )

    def for_copy(self, *, alone: bool = False) -> Terminal:
        """Return a terminal for a copy of the bash here, which is idle at its prompt.

        The output of a copy that is ``alone`` is none of the container's.
        """
        other = self._like(None if alone else self._scrollback)
        other.set_modes(self.modes())
        other.nonce, other.key, other.state = self.nonce, self.key, self.state
        other.unread = UnreadKeys(other.key)
        other.prompt_is_stale = self.prompt_is_stale
        other.typed_since_prompt = self.typed_since_prompt
        other.screen_modes.follow(self.screen_modes.set())
        other._reader.follow(self._reader)
        other._nonce_is_new = self._nonce_is_new
        return other

    def move_keys_to(self, other: Terminal) -> None:
        """Give the keys that no process has read yet to the terminal of a copy."""
        keys = self.take_unread_keys() + self._unsent
        self._unsent.clear()
        # Who types tells bash its nonce first: what a program typed before that is dropped.
        if keys and not self._nonce_is_new:
            other.queue_keys(keys)

    def renew_nonce(self) -> None:
        """Take a new nonce for the marks: programs inside a fence may know the present one.

        Bash is told before the next key.
        """
        self.nonce = os.urandom(8).hex()
        self._reader.renew(self.nonce)
        self._nonce_is_new = True

    def close(self) -> None:
        """Close the master; the kernel then hangs up the session on the terminal."""
        with self.lock:
            if not self.closed:
                self.closed = True
                self._forget_slave()
                os.close(self.master)

    # -- reading -------------------------------------------------------------------------

    def read(self) -> int:
        """Read the present output, at most 8 KiB; return the number of bytes.

        Returns HANGUP when no process has the terminal open any more.
        """
        with self.lock:
            chunk = self._read_once()
            if not chunk:
                return 0 if chunk is not None else HANGUP
            if len(chunk) > FULL:
                # A read returns at most 4 KiB.  We process two reads together.  With more,
                # the writing program would wait for us, and then we for it.
                chunk += self._read_once() or b""
            # A watcher may raise: the remaining pieces are processed in the next read.
            self._pieces.extend(self._reader.feed(chunk))
            while self._pieces:
                self._take(self._pieces.popleft())
            # The program may have read keys before it printed, so there may be room now.
            self._send_rest()
            return len(chunk)

    def _read_once(self) -> bytes | None:
        """Read at most 4 KiB; empty if there is no output, None after a hangup."""
        return None if self.closed else self.read_output()

    def _take(self, piece: bytes | Mark) -> None:
        if isinstance(piece, Mark):
            self._follow(piece)
        elif self._hidden is not None:
            if len(self._hidden) < HIDDEN_BYTES:
                self._hidden += piece
            return
        else:
            self.remember(piece)
            self.screen_modes.follow(piece)
        for watcher in self._watchers:
            watcher(piece)

    def _follow(self, mark: Mark) -> None:
        match mark.kind:
            case "B":
                self.state = ShellState.IDLE
            case "S":
                self.state = ShellState.CONTINUATION
            case "C":
                self.state = ShellState.BUSY
                self.typed_since_prompt = False
            case "D":
                self.typed_since_prompt = self.prompt_is_stale = False
            case "H" | "E":
                self._hidden = bytearray()
            case "U" if self.unread.armed:
                self._hidden = bytearray()
                self._unsent += self.unread.ask(bytes(self._unsent))
            case "R" if self.unread.asked:
                self._hidden = bytearray()
            case "r" if self.unread.asked:
                self._unsent += self.unread.came(bytes(self._hidden or b""))
                self._hidden = None
            case "A" if self.unread.asked:  # a ^C has ended the prompt command
                self._hidden, self.unread.asked = None, False
            case "e":
                self.line = bytes(self._hidden or b"")
                self._hidden = None
            case "h":
                self._answer = bytes(self._hidden or b"")
                self._hidden = None
                # After the answer bash draws the prompt again, with the marks A and B.
                self.state = ShellState.STARTING

    def remember(self, text: bytes) -> None:
        """Append output to the scrollback, which keeps the newest."""
        self._scrollback.append(text)

    def scrollback(self) -> bytes:
        """Return the newest output without marks, as much as is kept."""
        return self._scrollback.text()

    def output_after(self, position: int) -> tuple[bytes, int]:
        """Return the output that has come since a position, and the position after it."""
        return self._scrollback.text_after(position)

    def lines(self) -> tuple[list[tuple[float, bytes]], int]:
        """Return the kept lines with the times at which they began, and the position."""
        return self._scrollback.lines()

    @contextmanager
    def watched(self, watcher: Watcher) -> Iterator[None]:
        """Pass every piece of output and every mark to ``watcher`` for the block."""
        self._watchers.append(watcher)
        try:
            yield
        finally:
            self._watchers.remove(watcher)

    def wait(
        self, until: Callable[[], bool], *, timeout: float | None, alive: int | None = None
    ) -> None:
        """Read until ``until()`` is true.

        ``timeout`` is in seconds, None for no limit.  ``alive`` is the pidfd of the bash.
        Raises TimedOut, or ShellGone if the bash ends first.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        poll = select.poll()
        poll.register(self.master, select.POLLIN)
        if alive is not None:
            poll.register(alive, select.POLLIN)
        while not until():
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = {fd for fd, _ in poll.poll(None if left is None else left * 1000)}
            ended = bool(ready)
            if self.master in ready:
                with deferred():
                    ended = self.read() == HANGUP
            if ended:
                raise ShellGone("the bash has ended")
            # Endless output is not an answer.
            if left == 0.0 and not until():
                raise TimedOut("bash did not answer in time")

    # -- writing -------------------------------------------------------------------------

    def type(self, keys: bytes) -> None:
        """Write all keys; read output meanwhile, because bash may block on it.

        Raises TimedOut if no process reads the keys for ten seconds, or ShellGone.
        """
        with self.lock:
            self._tell_nonce()
            self.typed_since_prompt = True
            self._write(keys)

    @property
    def enter_key(self) -> bytes:
        """The key by which bash accepts a line without a report of it."""
        return accept_sequence(self.key) if self.reports_lines else b"\r"

    def queue_keys(self, keys: bytes) -> None:
        """Write the keys for which the pty has room; ``read`` writes the others later."""
        with self.lock:
            self._tell_nonce()
            self.typed_since_prompt = True
            self._unsent += keys
            self._send_rest()

    def _send_rest(self) -> None:
        if self._unsent:
            with suppress(BlockingIOError):
                del self._unsent[: self.write_keys(self._unsent)]

    def write_keys(self, keys: bytes | bytearray) -> int:
        """Write the keys for which the pty has room, as write(2) does; return how many."""
        self.typed += 1
        written = os.write(self.master, keys)
        self.unread.note(bytes(keys[:written]))
        return written

    def _write(self, content: bytes) -> None:
        self._unsent += content
        self._send_rest()
        poll = select.poll()
        poll.register(self.master, select.POLLIN | select.POLLOUT)
        deadline, size = time.monotonic() + HIDDEN_TIMEOUT, len(self._unsent)
        while self._unsent:
            left = max(0.0, deadline - time.monotonic())
            for _, events in poll.poll(left * 1000):
                if events & ~select.POLLOUT and self.read() == HANGUP:
                    raise ShellGone("the terminal has been hung up")
            self._send_rest()
            if len(self._unsent) < size:
                # A large script takes its time: the limit is for a bash that reads nothing.
                deadline, size = time.monotonic() + HIDDEN_TIMEOUT, len(self._unsent)
            elif left == 0.0:
                raise TimedOut(f"nobody has read what was typed for {HIDDEN_TIMEOUT:g} seconds")

    def ask(self, script: str, *, alive: int | None) -> bytes:
        """Run ``script`` in bash by the hidden key; return its output to descriptor 3.

        ``alive`` is the pidfd of the bash, None if nobody looks whether it ends.  Bash must be
        at its prompt; the half-typed line is kept.  Raises ShellGone, TimedOut after ten
        seconds of silence, and Refused if the output is too large.
        """
        begin, end = (f"\\e]133;{kind};k={self.nonce}\\a" for kind in "Hh")
        # The script has its own eval, so that the end mark is printed even after a syntax
        # error.  Before ``||`` the errexit option of the user does not end bash.
        wrapped = (
            f"\\builtin printf >&3 '{begin}'\n"
            f"\\builtin eval {shlex.quote(script)} || \\builtin :\n"
            f"\\builtin printf >&3 '{end}'"
        )
        with deferred(), self.lock:
            self._answer = None
            # After ESC, ^X or ^R readline would take our key as the next key, so we abort.
            abort = ABORT if self.typed_since_prompt else b""
            first = f"{nonce_change(self.nonce)}\n" if self._nonce_is_new else ""
            keys = abort + key_sequence(self.key, first + wrapped)
            self._nonce_is_new = False
            self._write(keys)
            answer = self._await_answer(len(keys), alive)
            self._await_redraw(alive)
            return answer.replace(b"\r\n", b"\n")

    def _tell_nonce(self) -> None:
        if self._nonce_is_new:
            self.ask(":", alive=None)

    def _await_answer(self, typed: int, alive: int | None) -> bytes:
        """Read until bash has answered a script that has ``typed`` bytes."""
        silence = HIDDEN_TIMEOUT + typed / SCRIPT_SPEED
        deadline = time.monotonic() + HIDDEN_PATIENCE
        size = -1
        while self._answer is None:
            before, size = size, len(self._hidden or b"")
            if size >= HIDDEN_BYTES:
                raise Refused(f"bash has printed {HIDDEN_BYTES >> 20} MiB of hidden output")
            if size == before or time.monotonic() > deadline:
                raise TimedOut("bash did not answer in time")
            with suppress(TimedOut):
                self.wait(self._has_answered, timeout=silence, alive=alive)
        return self._answer

    def _has_answered(self) -> bool:
        return self._answer is not None or len(self._hidden or b"") >= HIDDEN_BYTES

    def _await_redraw(self, alive: int | None) -> None:
        """Read until the prompt is drawn again, or bash does not draw it."""
        deadline = time.monotonic() + HIDDEN_TIMEOUT
        asleep = False
        while self.state is ShellState.STARTING:
            try:
                self.await_prompt(timeout=REDRAW_TIMEOUT, alive=alive)
            except TimedOut:
                # After ``stty -echo`` readline draws nothing, and sleeps until the next key.
                # If bash does not sleep, it still draws: a long line, or on a busy machine.
                # We check twice, because output before the sleep may come a moment later.
                before, asleep = asleep, self._bash_sleeps()
                if (before and asleep) or time.monotonic() > deadline:
                    self.state = ShellState.IDLE

    def _bash_sleeps(self) -> bool:
        stat = procfs.stat(self.foreground_group())
        return stat is None or stat.state == "S"

    def await_prompt(self, *, timeout: float, alive: int | None) -> None:
        """Read until bash has drawn a prompt; ``timeout`` is in seconds.

        Raises TimedOut or ShellGone.
        """
        prompts = (ShellState.IDLE, ShellState.CONTINUATION)
        self.wait(lambda: self.state in prompts, timeout=timeout, alive=alive)
