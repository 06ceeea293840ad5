"""The state of one container: its live bash, its terminal, and what must hold of them.

It is a leaf: the parts of a container use it, and it knows none of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from shellplay.container.spec import EndpointSpec, NameSpec, StartSpec, VolumeSpec, new_id
from shellplay.errors import Refused, ShellGone
from shellplay.kernel import procfs
from shellplay.kernel.cgroup.group import Group, prefix
from shellplay.kernel.process_tree import descendants
from shellplay.model import ShellState
from shellplay.monitor.client import Monitor
from shellplay.settings import Settings
from shellplay.shell.pty_reader import PtyReader
from shellplay.shell.shell import Shell
from shellplay.shell.terminal import Terminal

if TYPE_CHECKING:
    from shellplay.container.stdio import Stdio
    from shellplay.container.user import Account


class ContainerState:
    """What the parts of a container share, and what the kernel cannot tell.

    ``live`` is the live bash, ``parked`` are the suspended ones, outermost first.  ``spec``
    says which program runs instead of a bare bash, None if none does; ``start`` and
    ``names`` and ``endpoint`` are what it was started with, ``volumes`` what
    is mounted for it; ``account`` and
    ``environment`` are what that runs with, ``stdio`` are its pipes, and ``root`` holds its
    root directory beyond its end.  While it is ``awaited``,
    a command is about to read its output, so nothing else may.

    ``on_exit`` is called when the live bash has ended.  ``find_peer`` finds another container
    by name, ``peers`` returns all of them.  ``notice`` takes a sentence about an event that no
    command asked for.
    """

    live: Shell

    def __init__(
        self,
        name: str,
        monitor: Monitor,
        pty_reader: PtyReader,
        settings: Settings,
        *,
        start: StartSpec | None,
        on_exit: Callable[[], None],
        find_peer: Callable[[str], ContainerState],
        peers: Callable[[], list[ContainerState]],
        notice: Callable[[str], None],
    ) -> None:
        self.id = start.id if start else new_id()
        self.name = name
        self.monitor = monitor
        parent = start.process.cgroup_parent if start else ""
        self.group = Group(f"{prefix(monitor.pid)}{self.id}", parent)
        self.settings = settings
        around = settings.surroundings
        self.terminal = Terminal(
            around.columns, around.rows, term=around.term, reports_lines=around.reports_lines
        )
        self.parked: list[Shell] = []
        self.dead = False
        # True if its bash has exited with status 0: the user wanted that.
        self.is_over = False
        self.start = start
        self.spec = start.process if start else None
        self.names = start.names if start else NameSpec()
        self.endpoint = start.endpoint if start else EndpointSpec()
        self.volumes: tuple[VolumeSpec, ...] = ()
        if self.spec and self.spec.logs.most is not None:
            self.terminal.keep(self.spec.logs.most)
        self.account: Account | None = None
        self.environment: Mapping[str, str] | None = None
        self.stdio: Stdio | None = None
        self.root: int | None = None
        # Its own start reads a bash up to its prompt; no command waits for that.
        self.awaited = self.spec is not None and self.spec.attended and not self.spec.is_bash
        self.on_exit = on_exit
        self.find_peer = find_peer
        self.peers = peers
        self.notice = notice
        # The live bash whose end was handled.
        self._handled: Shell | None = None
        self._pty_reader = pty_reader
        self._lock = threading.RLock()
        # Held while keys are typed, and while one bash takes the place of another.
        self.keys = threading.RLock()

    @property
    def label(self) -> str:
        """Its name, as sentences and tables have it."""
        return self.name

    @property
    def pid(self) -> int:
        """The host PID of the live bash."""
        return self.live.pid

    @property
    def has_bash(self) -> bool:
        """Whether a bash lives here, and not another program."""
        return self.spec is None or self.spec.is_bash

    @property
    def shell_state(self) -> ShellState:
        """What the live bash is doing."""
        if self.dead or not self.live.alive:
            return ShellState.ENDED if self.waiting else ShellState.DEAD
        if self.group.frozen:
            return ShellState.PAUSED
        return self.terminal.state if self.has_bash else ShellState.BUSY

    def members(self) -> list[int]:
        """Return the host PIDs of its bashes and of all their descendants."""
        bottom = (self.parked or [self.live])[0]
        return [bottom.pid, *descendants(bottom.pid)]

    @property
    def waiting(self) -> Shell | None:
        """The bash that waits outside after the live one has ended; None if none does."""
        if self.dead or self.live.alive:
            return None
        return next((shell for shell in reversed(self.parked) if shell.alive), None)

    def handle_exit_once(self) -> bool:
        """Return, once for each live bash, that its end has to be handled."""
        first, self._handled = self._handled is not self.live, self.live
        return first

    def tell_left(self, left: Iterable[int]) -> None:
        """Give notice of processes that still run after their end was asked for, if any do."""
        if pids := ", ".join(map(str, sorted(left))):
            self.notice(f"{self.label}: processes that could not be ended: {pids}")

    # -- the live bash -------------------------------------------------------------------

    def make_live(self, shell: Shell) -> None:
        """Make another bash the live one, with its terminal."""
        self.live, self.terminal = shell, shell.terminal

    def park(self, copy: Shell) -> None:
        """Make the copy of the live bash the live one; the pty reader reads the other."""
        self.parked.append(self.live)
        self._pty_reader.add(self.terminal)
        self.make_live(copy)

    def unpark(self) -> Shell:
        """Make the innermost parked bash the live one, and return the one before."""
        before, woken = self.live, self.parked.pop()
        self._pty_reader.remove(woken.terminal)
        self.make_live(woken)
        return before

    def replace(self, shell: Shell) -> None:
        """Make a new bash the live one; those before have ended."""
        self.close_shells()
        self.make_live(shell)

    def close_shells(self) -> None:
        """Close all bashes, which have ended, and forget the parked ones."""
        for parked in self.parked:
            self._pty_reader.remove(parked.terminal)
            parked.close()
        self.parked.clear()
        self.live.close()

    def require_logs(self) -> None:
        """Raise Refused if it was started with a log driver that keeps none."""
        if self.spec and self.spec.logs.driver == "none":
            raise Refused(f"{self.label} keeps no logs (--log-driver none)")

    def logs(self) -> str:
        """Return the newest output of the terminal as it came, undecodable bytes marked.

        Raises Refused if none is kept.
        """
        self.require_logs()
        return self.terminal.scrollback().decode("utf-8", "backslashreplace")

    # -- what must hold ------------------------------------------------------------------

    def require_alive(self) -> None:
        """Raise ShellGone if the live bash has ended, Refused if it is paused."""
        # The output of a program that has ended can still be read.
        if not self.dead and (self.live.alive or not self.has_bash):
            if self.group.frozen:
                raise Refused(f"{self.label} is paused", f"resume {self.label}")
            return
        if (outside := self.waiting) is None:
            if self.spec is not None:
                raise ShellGone(f"{self.label} has ended", f"rm {self.label}")
            raise ShellGone(
                f"bash in {self.label} has exited",
                f"restart {self.label}; or rm {self.label}",
            )
        raise ShellGone(
            f"the bash of {self.label} has ended, and bash {outside.pid} waits outside",
            "peel, to go on with that",
        )

    def require_idle(self) -> None:
        """Raise Refused, naming the program that runs, unless bash is idle at its prompt."""
        self.require_alive()
        if self.spec is not None and not self.has_bash:
            raise Refused(
                f"{self.label} runs {self.spec.name}, and no bash", "exec CMD runs beside it"
            )
        match self.terminal.state:
            case ShellState.IDLE:
                return
            case ShellState.CONTINUATION:
                raise Refused("bash waits for the rest of a command", "enter, and ^C")
        raise _busy(self.terminal.foreground_group())

    # -- attention -----------------------------------------------------------------------

    @contextmanager
    def attended(self) -> Iterator[None]:
        """Give this thread the terminal and the exits of the container, for the block.

        The pty reader leaves both to it, and goes on with them afterwards.
        """
        with self._lock:
            self.unwatch()
            # The pty reader may be behind, and the newest output says whether bash is idle.
            self.terminal.read()
            try:
                yield
            finally:
                self.watch()

    def watch(self) -> None:
        """Have the pty reader read the output and hear of the end."""
        if self.dead or self.awaited:
            return
        self._pty_reader.add(self.terminal)
        if self._handled is not self.live:
            self._pty_reader.watch(self.live.pidfd, self._on_readable_pidfd)
        if self.stdio is not None:
            for fd in self.stdio.open:
                self._pty_reader.watch(fd, partial(self.stdio.read, fd))

    def unwatch(self) -> None:
        """Have the pty reader leave output and end to this thread."""
        if self.stdio is not None:
            for fd in self.stdio.open:
                self._pty_reader.unwatch(fd)
        self._pty_reader.unwatch(self.live.pidfd)
        self._pty_reader.remove(self.terminal)

    def _on_readable_pidfd(self) -> bool:
        if not self._lock.acquire(blocking=False):
            return False
        try:
            # Since the event the number of the descriptor may have passed to another file.
            if not self.live.alive:
                with self.attended():
                    while self.terminal.read() > 0:
                        continue
                    self.on_exit()
            return False
        finally:
            self._lock.release()


def _busy(group: int) -> Refused:
    """Return why no key can be typed: the process group in the foreground, a host PID."""
    words = procfs.arguments(group) if group else None
    running = " ".join(words) if words else "a command"
    return Refused(
        f"bash is busy: {running} ({group}) runs in the foreground",
        f"enter, to go back to it; or kill {group}",
    )
