"""Evidence that a bash has run nothing since a moment, so that its state is as it was."""

from __future__ import annotations

from shellplay.kernel import procfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shellplay.shell.terminal import Terminal


class Stillness:
    """A sleeping bash since its last stop by ptrace(2), in which this is made.

    The kernel counts a switch whenever a process begins to sleep or stops.  A key, a signal
    or another tracer wakes the bash, and when it sleeps again there is one switch more than
    the first, in which it goes on with the call that the stop has interrupted.  A key that
    was unread in the stop keeps it from that sleep; but the kernel counts its reads, too.
    """

    def __init__(self, pid: int, terminal: Terminal) -> None:
        self._pid = pid
        self._terminal = terminal
        self._typed = terminal.typed
        self._reads = procfs.reads(pid)
        status = procfs.status(pid)
        # The handler of a signal that waits runs before the bash sleeps.
        still = status is not None and not status.pending
        self._switches = status.switches + 1 if status is not None and still else None

    def again(self) -> Stillness:
        """Return the evidence from now on, where the bash is stopped by us once more."""
        return Stillness(self._pid, self._terminal)

    def holds(self) -> bool:
        """Tell whether the bash sleeps and has slept all the time."""
        return self._has_state("S", self._switches)

    def held_until_stop(self) -> bool:
        """Tell whether the bash had slept all the time until it was stopped just now."""
        return self._has_state("t", None if self._switches is None else self._switches + 1)

    def _has_state(self, state: str, switches: int | None) -> bool:
        status = procfs.status(self._pid)
        return (
            status is not None
            and (status.state, status.switches, status.pending) == (state, switches, 0)
            and self._reads is not None
            and procfs.reads(self._pid) == self._reads
            and self._terminal.typed == self._typed
        )
