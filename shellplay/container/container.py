"""A container: one live bash on a terminal, the fences around it, the bashes parked outside.

It is the one owner of that state.  What the kernel knows is asked of the kernel; kept here
is only what it cannot tell: which fences were put up, in which order, and how.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from shellplay.container import exec as exec_program
from shellplay.container import jobs
from shellplay.container.fencing import Fencing
from shellplay.container.mounts import Files
from shellplay.container.network import Network
from shellplay.container.process import ContainerProcess
from shellplay.container.spec import StartSpec, new_id
from shellplay.container.start import begin
from shellplay.container.stats import OomKills
from shellplay.errors import Refused, ShellGone
from shellplay.fences import Fence
from shellplay.kernel.cgroup.group import Group, prefix
from shellplay.kernel.process_tree import descendants, kill_quietly
from shellplay.kernel.signals import deferred
from shellplay.model import (
    Change,
    FenceRecord,
    Job,
    LineResult,
    Process,
    ShellIdentity,
    ShellState,
)
from shellplay.monitor.client import Monitor
from shellplay.network.bridge_client import BridgeClient
from shellplay.settings import Settings
from shellplay.shell import run_line
from shellplay.shell.attach import Left, Relay
from shellplay.shell.pty_reader import PtyReader
from shellplay.shell.shell import Shell
from shellplay.shell.spawn import start_bash
from shellplay.shell.terminal import Terminal

__all__ = ["Container", "Left"]


class Container:
    """One live bash; made by ``Playground.new``.

    ``find`` looks another one up by name, ``peers`` lists all, ``notice`` takes a sentence
    about something that happened by itself; ``start`` says what runs instead of bash.
    """

    def __init__(
        self,
        name: str | None,
        monitor: Monitor,
        pty_reader: PtyReader,
        settings: Settings,
        *,
        bridge: BridgeClient,
        find: Callable[[str], Container],
        peers: Callable[[], list[Container]],
        notice: Callable[[str], None],
        start: StartSpec | None = None,
    ) -> None:
        self.id = start.id if start else new_id()
        self.name = name
        self.monitor = monitor
        self.group = Group(f"{prefix(monitor.pid)}{self.id}")
        self.oom_kills = OomKills(self.group)
        self.settings = settings
        self.find = find
        self.peers = peers
        around = settings.surroundings
        self.terminal = Terminal(
            around.columns, around.rows, term=around.term, tells_lines=around.tells_lines
        )
        self.parked_shells: list[Shell] = []
        self.dead = False
        self._pty_reader = pty_reader
        self._notice = notice
        self._lock = threading.RLock()
        self._fencing = Fencing(self)
        self.files = Files(self, self._fencing.standing)
        self.network = Network(self, self._fencing, bridge)
        self.process: ContainerProcess | None = None
        self.live = self._started(start)
        self._watch()

    def _started(self, start: StartSpec | None) -> Shell:
        with ExitStack() as undo:
            undo.callback(self._give_up)
            if start is None:
                stub = self.monitor.stub()
                undo.callback(stub.quit)
                shell = start_bash(stub, self.terminal, user_file=self.settings.bashrc)
            else:
                self.process = ContainerProcess(self, start.process)
                shell = begin(self, self._fencing.standing, start)
            undo.pop_all()
        return shell

    def _give_up(self) -> None:
        self.terminal.close()
        if self.process:
            self.process.close()
        self.dead = True
        self.group.remove()
        self._fencing.release()

    # -- what it is ----------------------------------------------------------------------

    @property
    def label(self) -> str:
        """Its name, or its id if it has none."""
        return self.name or self.id

    @property
    def pid(self) -> int:
        """The host PID of the live bash."""
        return self.live.pid

    @property
    def inside(self) -> tuple[int, ...]:
        """The PIDs of the live bash, outermost first; none if it has ended."""
        return self.live.identity.inside if self.live.alive else ()

    @property
    def parked(self) -> list[ShellIdentity]:
        """The bashes that wait outside one-way fences, outermost first."""
        return [shell.identity for shell in self.parked_shells if shell.alive]

    @property
    def state(self) -> ShellState:
        """What the live bash is doing."""
        if self.dead or not self.live.alive:
            return ShellState.DEAD
        if self.group.frozen:
            return ShellState.PAUSED
        return self.terminal.state if self.has_bash else ShellState.BUSY

    @property
    def has_bash(self) -> bool:
        """Whether it is a bash that lives here, and not another program."""
        return self.process is None or self.process.spec.is_bash

    def fences(self) -> list[FenceRecord]:
        """Return one record for each layer, re-read from the kernel."""
        return self._fencing.records()

    def replace(self, shell: Shell, terminal: Terminal) -> None:
        """Go on with another bash on another terminal; the old ones have ended."""
        terminal.inherit(self.terminal)
        self.terminal.close()
        self.terminal, self.live = terminal, shell
        self.parked_shells.clear()

    def logs(self) -> str:
        """Return the newest output of the terminal as it came, undecodable bytes marked."""
        return self.terminal.scrollback().decode("utf-8", "backslashreplace")

    def fence(self, fence: Fence) -> Change:
        """Put a fence around the live bash; raise Refused if that cannot be, unchanged."""
        with deferred(), self.attended():
            self.terminal.prompt_is_stale = True
            return self.network.after(self._fencing.fence(fence), fence)

    def peel(self, kind: str, *, force: bool = False) -> Change:
        """Take a fence off again; ``force`` also if jobs inside it end by that."""
        with deferred(), self.attended():
            self.terminal.prompt_is_stale = True
            return self.network.fitted(self._fencing.peel(kind, force=force))

    def peel_all(self, *, force: bool = False) -> list[Change]:
        """Take all fences off, the last one first."""
        with deferred(), self.attended():
            self.terminal.prompt_is_stale = True
            changes = self._fencing.peel_all(force=force)
            return [*changes[:-1], *map(self.network.fitted, changes[-1:])]

    def limit(self, fence: Fence) -> Change:
        """Change a limit that stands around the live bash, while it runs."""
        with deferred(), self.attended():
            return self._fencing.limit(fence)

    def type(self, keys: bytes) -> None:
        """Write keys to the terminal, as a user would."""
        while True:
            terminal = self.terminal
            with terminal.lock:
                self.require_alive()
                # Another bash, on another terminal, may have come while we waited.
                if terminal is self.terminal:
                    terminal.type(keys)
                    return

    def run(
        self,
        text: str,
        *,
        timeout: float | None = None,
        output: Callable[[str], None] | None = None,
    ) -> LineResult:
        """Type a line into the live bash and wait for its output and exit status.

        ``output`` gets the text as it comes, instead of the result.  A KeyboardInterrupt is
        passed on as ^C.  Raises Refused if bash is busy, TimedOut after ``timeout`` seconds.
        """
        with self.attended():
            self.require_idle()
            limit = self.settings.timeout if timeout is None else timeout
            try:
                result = run_line.run(
                    self.terminal, self.live, text, timeout=limit, output=output
                )
                jobs.await_programs(self.pid)
                return result
            finally:
                if not self.live.alive:
                    self.buried()

    def spawn(self, command: str) -> Job:
        """Start a background job of the live bash."""
        return jobs.spawn(self, command)

    def jobs(self) -> list[Process]:
        """Return the children of the live bash, those that have ended too."""
        return jobs.of(self)

    def kill(self, target: str, number: int) -> list[Process]:
        """Send a signal to a host PID of this container, or to a job like %1.

        Returns the processes it was sent to; raises Refused if there is no such one.
        """
        return jobs.kill(self, target, number)

    def exec(self, argv: list[str], *, terminal: bool) -> int:
        """Run a program beside the live bash, inside every fence; return its exit status."""
        self.require_alive()
        return exec_program.execute(
            self.monitor,
            self.live,
            argv,
            term=self.terminal.term if terminal else None,
            detach_key=self.settings.detach_key,
            surround=self._fencing.surround,
            output=self.settings.surroundings.output,
            environment=self.process.environment if self.process else None,
        )

    def enter(
        self, *, typeahead: bytes = b"", heard: Callable[[bytes], None] | None = None
    ) -> Left:
        """Connect our terminal with the live bash until the detach key, or its end.

        ``heard`` is told the keys that are typed.
        """
        with self.attended():
            self.require_alive()
            if self.process:
                self.process.require_terminal()
            relay = Relay(self.terminal, self.settings.detach_key, heard)
            if self.terminal.prompt_is_stale and self.state is ShellState.IDLE:
                # Bash makes a new prompt after a line only, be it an empty one.
                run_line.run(self.terminal, self.live, "", timeout=None, output=None)
            missed = self.process.missed() if self.process else b""
            with self.monitor.modes_kept(relay.keys):
                return relay.run(self.live.pidfd, self._successor, typeahead, missed)

    def _successor(self) -> int | None:
        return self.live.pidfd if self.buried() else None

    # -- the end -------------------------------------------------------------------------

    def members(self) -> list[int]:
        """Return the host PIDs of its bashes and of all their descendants."""
        bottom = (self.parked_shells or [self.live])[0]
        return [bottom.pid, *descendants(bottom.pid)]

    def stop(self, orphans: Sequence[int] = ()) -> list[int]:
        """End every bash with its descendants, and ``orphans`` that have left them.

        Returns the PIDs of those that ended.
        """
        with deferred(), self._lock:
            self._unwatch()
            self.group.thaw()
            doomed = [*(self.members() if not self.dead else ()), *orphans]
            for shell in (*self.parked_shells, self.live):
                shell.kill()
            for pid in doomed:
                kill_quietly(pid)
            for shell in (*self.parked_shells, self.live):
                shell.close()
            self.parked_shells.clear()
            self._give_up()
            return doomed

    def buried(self) -> bool:
        """See to a live bash that has ended: the parked one below goes on, if there is one.

        Returns whether there is a live bash again.
        """
        ended = self.live.pid
        self.group.thaw()
        before = self._fencing.kinds()
        while self.parked_shells:
            try:
                self._fencing.fall_back()
            except ShellGone:
                continue  # The parked one has ended too: then the one below that.
            gone = [kind for kind in before if kind not in self._fencing.kinds()]
            self._notice(
                f"{self.label}: the bash inside {', '.join(gone)} has ended; "
                f"the one that was parked outside, {self.live.pid}, goes on"
            )
            return True
        self.dead = True
        self._fencing.release()
        if not (self.process and self.process.drain()):
            what = self.process.spec.argv[0] if self.process else "bash"
            self._notice(f"{self.label}: {what} {ended} has ended")
        return False

    def pause(self, orphans: Sequence[int] = ()) -> None:
        """Freeze the live bash with its descendants, and ``orphans`` that have left them."""
        with deferred(), self.attended():
            self.require_alive()
            self.group.freeze(self.pid, *orphans)

    def resume(self) -> None:
        """Let what is frozen go on; raise Refused if it is not."""
        with deferred(), self.attended():
            if not self.group.frozen:
                raise Refused(f"{self.label} is not paused", f"pause {self.label}")
            self.group.thaw()

    # -- what must hold ------------------------------------------------------------------

    def require_alive(self) -> None:
        """Raise ShellGone if there is no live bash, Refused if it is paused."""
        if self.dead:
            raise ShellGone(f"the bash of {self.label} has ended", f"stop {self.label}; new")
        if self.group.frozen:
            raise Refused(f"{self.label} is paused", f"resume {self.label}")

    def require_idle(self) -> None:
        """Raise Refused, naming what runs, unless bash is idle at its prompt."""
        self.require_alive()
        if self.process and not self.has_bash:
            raise self.process.no_bash()
        match self.terminal.state:
            case ShellState.IDLE:
                return
            case ShellState.CONTINUATION:
                raise Refused("bash waits for the rest of a command", "enter, and ^C")
        raise jobs.busy(self.terminal.foreground_group())

    @contextmanager
    def attended(self) -> Iterator[None]:
        """Be the only one who deals with this container for the ``with`` block.

        The pty reader leaves terminal and deaths to us, and takes over whatever is there then.
        """
        with self._lock:
            self._unwatch()
            self.terminal.read()  # The pty reader may be behind: it says whether bash is idle.
            try:
                yield
            finally:
                self._watch()

    def _watch(self) -> None:
        if not self.dead and not (self.process and self.process.waits):
            self._pty_reader.add(self.terminal)
            self._pty_reader.watch(self.live.pidfd, self._on_death)
            if self.process:
                self.process.watched_by(self._pty_reader)

    def _unwatch(self) -> None:
        if self.process:
            self.process.forgotten_by(self._pty_reader)
        self._pty_reader.forget(self.terminal.master)
        self._pty_reader.forget(self.live.pidfd)
        with self.terminal.lock:
            pass  # The pty reader may be in the middle of reading: wait until it is out.

    def _on_death(self) -> bool:
        if not self._lock.acquire(blocking=False):
            return False
        try:
            # A descriptor's number may have passed on since the pty reader heard of it.
            if not self.live.alive:
                with self.attended():
                    while self.terminal.read() > 0:
                        continue
                    self.buried()
            return False
        finally:
            self._lock.release()
