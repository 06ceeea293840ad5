"""Run one line in a live bash, and return its exact output and exit status.

A script sets the text as the line that bash edits, and then we type Enter.  So a tab does not
complete, and a newline does not run a part of the line.  In vi mode the text is not taken as
commands.  The output is the text between the marks C and D.
"""

from __future__ import annotations

import codecs
import re
import shlex
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from shellplay.errors import Incomplete, Refused, ShellGone, TimedOut, UsageError
from shellplay.kernel import procfs
from shellplay.kernel.signals import deferred
from shellplay.model import Job, LineResult
from shellplay.shell.interrupt import Interrupt
from shellplay.shell.osc133 import Mark
from shellplay.shell.shell import Shell
from shellplay.shell.terminal import Terminal
from shellplay.shell.unread_keys import ARM

if TYPE_CHECKING:
    from shellplay.shell.foreground import Foreground

LONGEST = 65536
PATIENCE_SECONDS = 2.0
RETRY_SECONDS, RETRIES = 0.1, 20
ATTEMPTS = 3
# The advice is valid at bash's prompt and at ours.
QUOTED_LINES = r"quote its lines as one, as in: in eval $'cat <<END\nhello\nEND'; or enter"
# Readline scrolls a line that reaches the last two columns.
SCROLLED_COLUMNS = 2
# First restore our prompt command: its mark D ends the output of the line.
HALF_TYPED = (
    "__shellplay_rehook; "
    r"""\builtin printf >&3 '%s\x1f%s' "$READLINE_POINT" "$READLINE_LINE"; """
)
REFUSAL = rb"(?ms)^bash: .*"
JOB_NOTICE = r"(?m)^\[([0-9]{1,9})\] ([0-9]{1,9})$"


class Collector:
    """Collects the output and the exit status of one line from the terminal.

    With ``exact`` the text has the line ends of the terminal.
    """

    def __init__(self, output: Callable[[str], None] | None, *, exact: bool = False) -> None:
        self.text: list[str] = []
        self.status: int | None = None
        self.done = self.incomplete = self.interrupted = False
        self.entered = self.refused = False
        self._output = output
        self._exact = exact
        self._unpassed: deque[str] = deque()
        self._before = b""
        self._held_return = ""
        self.running = self._over = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def __call__(self, piece: bytes | Mark) -> None:
        """Process a piece of output, or a mark."""
        if not self.entered:
            return  # This output belongs to keys that were typed before our line.
        if isinstance(piece, bytes):
            if self.running:
                self._add(self._decoder.decode(piece))
            else:
                self._before += piece
            return
        match piece.kind:
            case "C":
                self.running = True
            case "D":
                if not self.running:
                    self._add(self._decoder.decode(self._refusal()))
                self._finish(piece.status)
            case "P" if self.running:
                # Our prompt command is gone, so there was no D.  P has the status, too.
                self._finish(piece.status)
            case "A":
                # A prompt without D before it: PROMPT_COMMAND is not ours any more, or bash
                # refused the line (history expansion failed).
                self.refused = not (self.running or self._over)
                self._over = self._over or self.running or self.refused
                self.running = False
            case "B":
                # If bash only drew its prompt again, there was no D before.
                self.done = self._over
            case "S":
                self.incomplete = True

    def _finish(self, status: int | None) -> None:
        self._add(self._decoder.decode(b"", final=True), final=True)
        self.status, self.running, self._over = status, False, True

    @property
    def settled(self) -> bool:
        """Whether the line has ended, or is incomplete."""
        return self.done or self.incomplete

    def needs_action(self) -> bool:
        """Tell whether the line is settled, or a requested ^C can be typed now."""
        self.pass_on()
        return self.settled or (self.interrupted and self.running)

    def interrupt(self) -> None:
        """Request a ^C."""
        self.interrupted = True

    @property
    def complaint(self) -> str:
        """The error of bash for a line that it refused."""
        words = self._refusal().decode("utf-8", "backslashreplace").removeprefix("bash: ")
        return words.splitlines()[0] if words else "it asks for another"

    def _refusal(self) -> bytes:
        # A line with a syntax error does not run: the error comes without the mark C.
        found = re.search(REFUSAL, self._before)
        return found[0] if found else b""

    def _add(self, text: str, *, final: bool = False) -> None:
        if self._exact:
            if text:
                self._unpassed.append(text)
            return
        text, self._held_return = self._held_return + text, ""
        if text.endswith("\r") and not final:
            text, self._held_return = text[:-1], "\r"
        text = text.replace("\r\n", "\n")
        if text:
            # Streamed output is not kept: endless output would fill the memory.
            (self.text if self._output is None else self._unpassed).append(text)

    def pass_on(self) -> None:
        """Pass collected text to ``output``.

        This is not done in the read, where signals are deferred: ``output`` may take long.
        """
        while self._output is not None and self._unpassed:
            self._output(self._unpassed.popleft())

    @property
    def result(self) -> LineResult:
        """The exit status and the output up to now."""
        return LineResult(self.status, "".join(self.text) + self._held_return)


def run(
    terminal: Terminal,
    shell: Shell,
    text: str,
    *,
    timeout: float | None,
    output: Callable[[str], None] | None,
    foreground: Foreground | None = None,
) -> LineResult:
    """Run the line ``text`` in an idle bash and wait for the next prompt.

    A half-typed line is saved and restored.  ``timeout`` is in seconds, None for no limit.
    ``output`` gets the text at once; the result is then without it.  With ``foreground`` the
    user types into what runs, and may leave it.  The status is None if bash has ended.  Raises
    UsageError for text that cannot be typed, and TimedOut after a ^C.  Raises Incomplete,
    and Refused for a line that bash refuses.
    """
    _require_typable(text)
    text = text.rstrip("\n")
    half_typed = None
    collector = Collector(output, exact=foreground is not None and foreground.draws)
    connected = (
        nullcontext()
        if foreground is None
        else foreground.connected(lambda: collector.running, collector.interrupt)
    )
    try:
        with connected, terminal.watched(collector):
            half_typed = _enter(terminal, shell, text, collector, foreground)
            return _result(terminal, shell, collector, timeout, foreground)
    finally:
        if half_typed and collector.done:
            with deferred():
                terminal.ask(_edit(*half_typed), alive=shell.pidfd)


def _result(
    terminal: Terminal,
    shell: Shell,
    collector: Collector,
    timeout: float | None,
    foreground: Foreground | None,
) -> LineResult:
    interrupt = Interrupt(terminal, shell, foreground.wait if foreground else None)
    try:
        _wait(interrupt, collector, timeout, foreground)
    except ShellGone:
        # The terminal hangs up a moment before bash is dead.
        shell.await_end()
        return collector.result
    except TimedOut as error:
        _interrupt(interrupt, collector, PATIENCE_SECONDS)
        raise TimedOut(f"no prompt after {timeout:g} seconds, so ^C was sent") from error
    if not collector.settled:
        return LineResult(None, "", left=True)
    if collector.refused:
        raise Refused(f"bash did not take the line: {collector.complaint}")
    if collector.incomplete and not collector.done:
        for _ in range(RETRIES):
            # Readline drops a ^C in the moment before it waits for a key, so we repeat it.
            if _interrupt(interrupt, collector, RETRY_SECONDS):
                break
        raise Incomplete("the line is not complete: bash waits for more of it", QUOTED_LINES)
    return collector.result


def _require_typable(text: str) -> None:
    size = len(text.encode("utf-8", "surrogateescape"))
    if size > LONGEST:
        raise UsageError(f"the line has {size} bytes; bash is given at most {LONGEST}")
    control = next((char for char in text if unprintable(char)), None)
    if control is not None:
        raise UsageError(
            f"the line has a control character, {control!r}", "enter, to type keys"
        )


def unprintable(char: str) -> bool:
    """Tell whether a character is a control character other than newline and tab."""
    return (char < " " and char not in "\n\t") or char == "\x7f"


def job(result: LineResult, new: list[int], command: str) -> Job:
    """Find the job that a line started, by the notice and the new children of bash.

    The PID is None if the child has ended already.
    """
    notice = re.search(JOB_NOTICE, result.output)
    number, inside = (int(notice[1]), int(notice[2])) if notice else (None, None)
    for pid in new:
        status = procfs.status(pid)
        if status is not None and inside in (None, status.pids[-1]):
            return Job(number, pid, status.pids, command)
    return Job(number, None, (inside,) if inside else (), command)


def _enter(
    terminal: Terminal,
    shell: Shell,
    text: str,
    collector: Collector,
    foreground: Foreground | None,
) -> tuple[str, int] | None:
    """Run ``text``; return the old half-typed line and its cursor in bytes, None if empty."""
    script = HALF_TYPED + _edit(text, _point(terminal, text))
    answer = b""
    try:
        with deferred():
            answer = terminal.ask((ARM if foreground else "") + script, alive=shell.pidfd)
            collector.entered = True
            terminal.type(terminal.enter_key)
            if foreground:
                terminal.unread.arm()
    except KeyboardInterrupt:
        collector.interrupted = True
    # A program inside may have written the answer.
    found = re.fullmatch(r"(?s)([0-9]{1,9})\x1f(.+)", answer.decode("utf-8", "surrogateescape"))
    return (found[2], int(found[1])) if found else None


def _point(terminal: Terminal, text: str) -> int:
    """Return the cursor position in bytes: behind the text, or 0 if the text is too wide.

    On a dumb terminal readline scrolls a wide line to the cursor.  At the end of the line it
    would not draw the prompt, and its marks would be missing.
    """
    size = len(text.encode("utf-8", "surrogateescape"))
    if terminal.term != "dumb":
        return size
    prompt = terminal.scrollback().rsplit(b"\n", 1)[-1]
    return size if len(prompt) + size < terminal.columns - SCROLLED_COLUMNS else 0


def _edit(line: str, point: int) -> str:
    return f"READLINE_LINE={shlex.quote(line)} READLINE_POINT={point}"


def _wait(
    interrupt: Interrupt,
    collector: Collector,
    timeout: float | None,
    foreground: Foreground | None,
) -> None:
    def is_left() -> bool:
        return foreground is not None and foreground.left and collector.running

    sent = unanswered = 0
    while not (collector.settled or is_left()):
        try:
            interrupt.wait(lambda: collector.needs_action() or is_left(), timeout=timeout)
            # The user's ^C is for the command inside, so it is typed when the command runs.
            # Before, it would cut the line that bash reads.
            if collector.interrupted and collector.running:
                if sent == ATTEMPTS and foreground is None:
                    raise Refused(
                        f"it goes on after {ATTEMPTS} times ^C; or bash was replaced by exec",
                        "enter, to look; or stop",
                    )
                collector.interrupted = False
                interrupt.send()
                sent += 1
        except KeyboardInterrupt:
            collector.interrupted = True
            unanswered += not collector.running
            if unanswered == ATTEMPTS:
                raise Refused("bash has not begun with the line", "enter, to look") from None


def _interrupt(interrupt: Interrupt, collector: Collector, patience: float) -> bool:
    """Type ^C; return False if the line goes on for ``patience`` seconds."""
    interrupt.send()
    try:
        interrupt.wait(lambda: collector.done, timeout=patience)
    except (TimedOut, ShellGone):
        return False
    finally:
        collector.pass_on()
    return True
