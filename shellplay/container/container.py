"""A container: one live bash on a terminal, the fences around it, and the suspended bashes.

It is the facade of its parts, and the one name that other packages import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING

from shellplay.container import exits, facts, jobs
from shellplay.container.fencing import Fencing
from shellplay.container.mounts import Files
from shellplay.container.network import Network
from shellplay.container.oom_kills import OomKills
from shellplay.container.spec import ExecSpec, StartSpec, VolumeSpec
from shellplay.container.state import ContainerState
from shellplay.container.trial import Trials
from shellplay.errors import Refused
from shellplay.fences import Fence
from shellplay.fences.net import NONE, Net
from shellplay.kernel.cgroup.group import Group
from shellplay.kernel.signals import deferred
from shellplay.model import (
    Change,
    FenceRecord,
    Job,
    LineResult,
    Process,
    ShellIdentity,
    ShellState,
    Usage,
)
from shellplay.monitor.client import Monitor
from shellplay.network.bridge_client import BridgeClient
from shellplay.settings import Settings
from shellplay.shell.pty_reader import PtyReader
from shellplay.shell.shell import Shell
from shellplay.shell.spawn import host_bash, start_bash
from shellplay.shell.terminal import Terminal

if TYPE_CHECKING:
    from shellplay.container.held_volumes import HeldVolumes
    from shellplay.container.process import ContainerProcess
    from shellplay.shell.attach import RelayEnd
    from shellplay.shell.foreground import Keyboard


class Container:
    """One live bash; made by ``Playground.new``.

    ``find`` looks up another container by name, ``peers`` lists all of them.  ``notice``
    takes a sentence about an event that no command asked for.  ``start`` replaces the bash.
    """

    def __init__(
        self,
        name: str,
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
        self._state = state = ContainerState(
            name, monitor, pty_reader, settings, start=start, notice=notice,
            on_exit=lambda: exits.handle_exit(state, self._fencing, self.process),
            find_peer=lambda other: find(other)._state,
            peers=lambda: [each._state for each in peers()],
        )  # fmt: skip
        self._fencing = Fencing(state, on_removed=lambda: self.network.detach_if_unused())
        self.way_back, self.layers = self._fencing.way_back, self._fencing.layers
        self.trials = Trials(state, self._fencing)
        self.network = Network(
            state, self._fencing.applied, bridge, lambda: [each.network for each in peers()]
        )
        self.files = Files(state, self._fencing.applied)
        self.process: ContainerProcess | None = None
        self._volumes: HeldVolumes | None = None
        self.oom_kills = OomKills(state.group)
        state.make_live(self._started(start))
        state.watch()

    def _started(self, start: StartSpec | None) -> Shell:
        state = self._state
        with ExitStack() as undo:
            undo.callback(self._release)
            if start is None:
                stub = state.monitor.stub()
                undo.callback(stub.quit)
                bashrc = state.settings.bashrc
                with host_bash() as bash:
                    shell = start_bash(stub, state.terminal, bash, user_file=bashrc)
            else:
                # Loaded here: a container of bash needs none of it.
                from shellplay.container.held_volumes import HeldVolumes
                from shellplay.container.process import ContainerProcess
                from shellplay.container.start import start as start_program

                process, volumes = ContainerProcess(state, start.process), HeldVolumes(state)
                self.process, self._volumes = process, volumes
                shell = start_program(
                    state, start, self._fencing.applied, self.network, process, volumes.fill
                )
            undo.pop_all()
        return shell

    def _release(self, *, keep_volumes: bool = False) -> None:
        """Close the terminal and the pipes, and remove what was made for the fences."""
        self._state.terminal.close()
        if self.process:
            self.process.close()
        self._state.dead = True
        self._state.group.remove()
        self._fencing.release()
        if self._volumes:
            self._volumes.close(keep=keep_volumes)

    @property
    def id(self) -> str:
        """Its id, twelve hexadecimal digits."""
        return self._state.id

    @property
    def name(self) -> str:
        """Its name."""
        return self._state.name

    @property
    def label(self) -> str:
        """Its name, as sentences and tables have it."""
        return self._state.label

    @property
    def pid(self) -> int:
        """The host PID of the live bash."""
        return self._state.pid

    @property
    def live(self) -> Shell:
        """The live bash."""
        return self._state.live

    @property
    def inside(self) -> tuple[int, ...]:
        """The PIDs of the live bash, outermost first; none if it has ended."""
        return self.live.inside

    @property
    def parked(self) -> list[ShellIdentity]:
        """The bashes that are suspended outside one-way fences, outermost first."""
        return [shell.identity for shell in self._state.parked if shell.alive]

    @property
    def parked_pids(self) -> list[int]:
        """The host PIDs of all suspended bashes, ended ones too."""
        return [shell.pid for shell in self._state.parked]

    @property
    def state(self) -> ShellState:
        """What the live bash is doing."""
        return self._state.shell_state

    @property
    def dead(self) -> bool:
        """Whether no bash is left."""
        return self._state.dead

    @property
    def is_over(self) -> bool:
        """Whether its bash has exited with status 0."""
        return self._state.is_over

    @property
    def has_bash(self) -> bool:
        """Whether a bash lives here, and not another program."""
        return self._state.has_bash

    @property
    def terminal(self) -> Terminal:
        """The terminal of the live bash."""
        return self._state.terminal

    @property
    def group(self) -> Group:
        """Its cgroups."""
        return self._state.group

    @property
    def monitor(self) -> Monitor:
        """The parent process of its bashes."""
        return self._state.monitor

    @property
    def settings(self) -> Settings:
        """The settings that it was made with."""
        return self._state.settings

    @property
    def environment(self) -> Mapping[str, str] | None:
        """The environment of its program, None if bash has that of this process."""
        return self._state.environment

    @property
    def started(self) -> StartSpec | None:
        """With what ``run`` has started it, None for a bare bash."""
        return self._state.start

    @property
    def volumes(self) -> tuple[VolumeSpec, ...]:
        """What is mounted for it: volumes, files and devices of the host, and memory."""
        return self._state.volumes

    def require_alive(self) -> None:
        """Raise ShellGone if there is no live bash, Refused if it is paused."""
        self._state.require_alive()

    def attended(self) -> AbstractContextManager[None]:
        """Give this thread the terminal and the exits of the container, for the block."""
        return self._state.attended()

    def members(self) -> list[int]:
        """Return the host PIDs of its bashes and of all their descendants."""
        return self._state.members()

    def usage(self, pids: Sequence[int] | None = None) -> Usage:
        """Return what it uses; ``pids`` are the host PIDs of its processes, if known."""
        from shellplay.container import stats

        return stats.of(self._state, pids)

    def logs(self) -> str:
        """Return the newest output as it came, undecodable bytes marked; raises Refused."""
        return self._state.logs()

    def output(self) -> tuple[list[tuple[float, bytes]], int]:
        """Return the kept lines with their times, and the position after them."""
        self._state.require_logs()
        return self.terminal.lines()

    def fences(self) -> list[FenceRecord]:
        """Return one record for each layer, re-read from the kernel."""
        return self._fencing.records()

    def fenced_kinds(self, host: facts.Facts) -> list[str]:
        """Return the kinds of the fenced layers; ``host`` has the facts of the host."""
        return self._fencing.kinds(host)

    def fence(self, fence: Fence) -> Change:
        """Apply a fence to the live bash; raise Refused, and then nothing has changed."""
        with self._fences_change():
            change = self._fencing.fence(fence)
            if isinstance(fence, Net) and fence.mode != NONE:
                change = self.network.led_out(change, fence, self._fencing.peel)
            return self.network.refreshed(change)

    @contextmanager
    def _fences_change(self) -> Iterator[None]:
        with deferred(), self.attended():
            try:
                yield
            finally:
                self.terminal.prompt_is_stale = True

    def peel(self, kind: str, *, force: bool = False, code: bool = False) -> Change:
        """Remove a fence, see ``Fencing.peel``; ``force`` also if that ends jobs inside it."""
        with self._fences_change():
            return self.network.refreshed(self._fencing.peel(kind, force=force, code=code))

    def peel_all(self, *, force: bool = False, code: bool = False) -> list[Change]:
        """Remove all fences, the last one first."""
        self._state.require_alive()
        return [self.peel(kind, force=force, code=code) for kind in self.way_back.kinds]

    @property
    def ended(self) -> tuple[str, ...]:
        """The fences that have ended with the live bash; none if no bash waits outside."""
        return tuple(self._fencing.ended_kinds)

    def go_on_outside(self, *, force: bool = False) -> None:
        """Wake the bash that waits outside of the live one, which has ended.

        With ``force`` processes that came from that are ended.
        """
        with self._fences_change():
            self._fencing.go_on_outside(force=force)

    def limit(self, fence: Fence) -> Change:
        """Change a limit of the live bash while it runs."""
        with deferred(), self.attended():
            return self._fencing.limit(fence)

    # -- the live bash -------------------------------------------------------------------

    def type(self, keys: bytes) -> None:
        """Write keys to the terminal, as a user would."""
        with self._state.keys:
            self._state.require_alive()
            self.terminal.type(keys)

    def run(
        self,
        text: str,
        *,
        timeout: float | None = None,
        output: Callable[[str], None] | None = None,
        keyboard: Keyboard | None = None,
    ) -> LineResult:
        """Type a line into the live bash and wait for its output and status; see `lines.run`.

        A KeyboardInterrupt is passed on as ^C.  ``timeout`` is that of the settings if None.
        """
        # Loaded here: a fence types nothing.
        from shellplay.container import lines

        limit = self.settings.timeout if timeout is None else timeout
        with self.attended():
            return lines.run(self._state, text, timeout=limit, output=output, keyboard=keyboard)

    def spawn(self, command: str) -> Job:
        """Start a background job of the live bash."""
        from shellplay.container import lines

        with self.attended():
            return lines.spawn(self._state, command, timeout=self.settings.timeout)

    def jobs(self) -> list[Process]:
        """Return the children of the live bash, ended ones too."""
        return jobs.children(self._state)

    def kill(self, target: str | None, number: int) -> list[Process]:
        """Send a signal to a host PID, a job like %1, or the first process; see `jobs.kill`."""
        return jobs.kill(self._state, target, number)

    def exec(
        self,
        argv: list[str],
        *,
        terminal: bool,
        shown: Callable[[bytes], bytes] = bytes,
        spec: ExecSpec | None = None,
    ) -> int:
        """Run a program beside the live bash, inside every fence; return its exit status.

        Without a terminal of its own its output is shown as ``shown`` makes it.
        """
        from shellplay.container import exec as exec_program

        self._state.require_alive()
        return exec_program.execute(
            self._state, argv, spec or ExecSpec(),
            terminal=terminal, surround=self._fencing.surround, shown=shown,
        )  # fmt: skip

    def enter(
        self,
        *,
        typeahead: bytes = b"",
        heard: Callable[[bytes], None] | None = None,
        detach_keys: str | None = None,
        bar: str | None = None,
    ) -> RelayEnd:
        """Connect our terminal with the live bash until the detach keys (None: the setting).

        ``heard`` gets the typed keys; ``bar`` is the text of a bar in the last row.
        """
        from shellplay.container import entry

        with self.attended():
            self._state.require_alive()
            return entry.enter(
                self._state, self.process, detach_keys or self.settings.detach_key,
                typeahead=typeahead, heard=heard, bar=bar,
            )  # fmt: skip

    def stop(self, find_orphans: exits.FindOrphans, *, keep_volumes: bool = False) -> set[int]:
        """End every bash, its descendants and orphans; return the PIDs of those that ended."""
        with deferred(), self.attended():
            ended = exits.kill_all(self._state, find_orphans)
            self._release(keep_volumes=keep_volumes)
            return ended

    def pause(self, orphans: Sequence[int] = ()) -> None:
        """Freeze the live bash with its descendants, and ``orphans`` that have left them."""
        with deferred(), self.attended():
            self._state.require_alive()
            self.group.freeze(self.pid, *orphans)

    def resume(self) -> None:
        """Thaw what is frozen; raise Refused if nothing is."""
        with deferred(), self.attended():
            if not self.group.frozen:
                raise Refused(f"{self.label} is not paused", f"pause {self.label}")
            self.group.thaw()
