"""The stack of bashes in a container: suspended ones below, the live one on top.

Each method is one movement on the stack, which keeps the applied fences in step.  What the
movements are for is decided in fencing.py.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from shellplay.container import apply, jobs
from shellplay.container.applied import AppliedFence, AppliedFences
from shellplay.container.console import bind_console
from shellplay.container.plan import Plan, Wanted
from shellplay.container.state import ContainerState
from shellplay.errors import KernelError, Refused
from shellplay.fences import KINDS, REGISTRY, Fence, Namespace
from shellplay.fences.base.namespace import hold_namespace
from shellplay.fences.base.target import MadeBy, OpenNamespace, Target
from shellplay.kernel import namespaces, procfs
from shellplay.kernel.caller import Caller
from shellplay.kernel.here import HERE
from shellplay.kernel.process_tree import descendants, end_until_quiet, runs
from shellplay.model import How, ShellState
from shellplay.shell.broker import mount_caller
from shellplay.shell.shell import Shell
from shellplay.shell.state import State, Transferred

LOOKS, QUIET_LOOKS = 100, 3
DEVICES = "dev"
REAPED_SECONDS = 0.5
# A bash with the privileges leaves these by setns(2); the other two are never left.
IN_PLACE_KINDS = tuple(kind for kind in KINDS if kind not in ("user", "pid"))


class ShellStack:
    """The bashes and the fences of one container, which is attended meanwhile."""

    def __init__(self, state: ContainerState) -> None:
        self._state = state
        self.applied = AppliedFences()

    @property
    def live(self) -> Shell:
        """The live bash."""
        return self._state.live

    @property
    def parked(self) -> list[Shell]:
        """The suspended bashes, outermost first."""
        return self._state.parked

    # -- in ------------------------------------------------------------------------------

    def apply_in_place(self, fence: Fence, join: OpenNamespace | None) -> How:
        """Apply a fence to the live bash itself; undone if it fails half-way."""
        with self._calls(fence, self.live) as caller:
            fence.apply_in_place(self.target(caller).changed(join=join))
        self.applied.add(AppliedFence(fence, fence.how_in_place, len(self.parked)))
        self._follow_devices(fence.kind)
        return fence.how_in_place

    def apply_by_fork(self, fence: Fence, join: OpenNamespace | None) -> None:
        """Fork the live bash; the copy is inside the fence, the original is suspended."""
        has_jobs = bool(jobs.children(self._state))
        plan = fence.fork_plan(self.target(HERE).changed(join=join))
        with self.keys_wait():
            self._state.park(self.live.fork(plan, own_devpts=DEVICES in self.applied))
        self.applied.add(AppliedFence(fence, How.FORKED, len(self.parked)))
        if has_jobs:
            # They are children of the suspended bash; the copy must not count on them.
            self.ask(r"\builtin disown -a")

    def apply_to_last_copy(self, fence: Fence) -> None:
        """Apply a one-way fence to the live bash, which is a copy already.

        The bash that is suspended outside of the last fork is the way back from both.
        """
        with self.live.seized() as caller:
            fence.apply(self.target(caller))
        self.applied.add(AppliedFence(fence, How.FORKED, len(self.parked)))

    def target(self, caller: Caller, shell: Shell | None = None) -> Target:
        """Return a bash, the live one by default, as the target of a fence."""
        pid = (shell or self.live).pid
        return Target(pid, caller, self._state.group, self._state.terminal.path)

    def _calls(self, fence: Fence, shell: Shell) -> AbstractContextManager[Caller]:
        """Give the process that makes the calls of a fence for a bash, for the block."""
        match fence.made_by:
            case MadeBy.BASH:
                return shell.seized()
            case MadeBy.BROKER:
                by_itself = self._state.settings.live and not self.applied.restrictions
                return mount_caller(self._state.monitor, shell, by_itself=by_itself)
            case MadeBy.HOST:
                return nullcontext(HERE)

    # -- out -----------------------------------------------------------------------------

    def remove(self, kind: str) -> None:
        """Remove a fence from the live bash while it lives on."""
        applied = self.applied.get(kind)
        fence, depth = applied.fence, applied.depth
        # Bashes that were forked since may be inside, and in no other fence of that kind.
        for shell in (*self.parked[depth:], self.live) if fence.in_parked else (self.live,):
            self._remove_from(fence, shell)
        self.applied.remove(kind)
        self._follow_devices(kind)

    def _follow_devices(self, kind: str) -> None:
        """After a change of /dev, move a copy of bash to a terminal that has a name there.

        A bash that is busy or has jobs keeps its terminal, as these have it, too.  So does one
        with a filter, which may deny half of the way.
        """
        if kind != DEVICES or not self.parked or procfs.children(self.live.pid):
            return
        if self._state.shell_state is not ShellState.IDLE or self.live.status.seccomp:
            return
        inside = kind in self.applied
        try:
            with self.keys_wait():
                self.live.change_terminal(own_devpts=inside)
                self._state.make_live(self.live)
        except Refused:
            return
        except KernelError as error:
            if not error.call.startswith("ptrace"):
                raise
            return
        if inside:
            with self._calls(self.applied.get(kind).fence, self.live) as caller:
                bind_console(caller, self.live.terminal.path, self.live.terminal.device)

    def _remove_from(self, fence: Fence, shell: Shell) -> None:
        with self._calls(fence, shell) as caller:
            fence.remove(self.target(caller, shell))

    def shells_killed_by(self, off: Sequence[AppliedFence]) -> list[Shell]:
        """Return the bashes that end if fences are removed by waking a bash outside."""
        return [*self.parked[self.outside(off) + 1 :], self.live]

    def woken_by(self, applied: AppliedFence) -> Shell:
        """Return the bash that goes on if a fence is removed by waking a bash outside."""
        return self.parked[self.outside([applied])]

    def outside(self, off: Sequence[AppliedFence]) -> int:
        """Return the place, from the bottom, of the bash that is or can come outside."""
        outer = [each.outside for each in off]
        if any(each.how is not How.FORKED for each in off):
            # It has to leave by itself, so it must not have given up the privilege for that.
            outer += [each.outside for each in self.applied.restrictions]
        return min(outer)

    @contextmanager
    def rewound(self, off: Sequence[AppliedFence]) -> Iterator[list[Wanted]]:
        """Wake the bash that can be without some fences, for the block.

        Yields the other fences that went by that, to be applied again: each with its
        namespace, where that outlives its bashes.
        """
        place = self.outside(off)
        with ExitStack() as held:
            others = [
                Wanted(each.fence, held.enter_context(self.pinned(each.fence)))
                for each in self.applied
                if each.depth > place and each not in off
            ]
            self.applied.forget_from_depth(place + 1)
            for each in off:
                self.applied.remove(each.fence.kind)
            self._wake(place)
            for each in off:
                if each.how is How.IN_PLACE and each.fence.in_parked:
                    self._remove_from(each.fence, self.live)
            yield others

    def go_on_outside(self, place: int) -> None:
        """Wake a parked bash after those inside of it have ended, with their fences."""
        with self.keys_wait():
            self._wake(place)
            self.applied.forget_from_depth(place + 1, self._state.group)
            self.refresh_proc()

    def _wake(self, place: int) -> None:
        """End the bashes inside of a parked one with all that came from them, and wake it."""
        woken = self.parked[place]
        self.end([*self.parked[place + 1 :], self.live])
        while len(self.parked) > place + 1:
            self._state.unpark().close()
        # Before it is woken, so that a ShellGone leaves a consistent stack.
        ended = self._state.unpark()
        try:
            woken.wake(ended)
        finally:
            ended.close()
        # While it was suspended it stayed in namespaces of fences that were removed since.
        for kind in IN_PLACE_KINDS:
            host = namespaces.identify("self", kind)
            if kind not in self.applied and namespaces.identify(woken.pid, kind) != host:
                self._remove_from(REGISTRY[kind](), woken)

    def end(self, shells: Sequence[Shell]) -> None:
        """End some bashes, outermost first, with all that came from them."""
        own = {shell.pid for shell in shells}
        if not all(shell.untouched for shell in shells):
            # Bash reads the exit statuses; thousands of ended ones would slow us down.
            end_until_quiet(lambda: self._tops(shells), own, REAPED_SECONDS)
            for shell in shells:
                shell.stop()
            # As long as a bash lives it inherits its orphans, and there we find them.
            _, left = end_until_quiet(lambda: self._tops(shells), own)
            self._state.tell_left(left)
        for shell in reversed(shells):
            shell.kill()

    def came_from(self, shells: Sequence[Shell]) -> list[int]:
        """Return the processes that run and came from some bashes, outermost first.

        Orphans are children of a bash that lives, or of the one that is parked outside.
        """
        seen = own = {shell.pid for shell in shells}
        quiet = 0
        for _ in range(LOOKS):
            tops = self._tops(shells)
            found = {*tops}.union(*map(descendants, tops))
            if running := sorted(filter(runs, found - own)):
                return running
            # One that forks and ends all the time has ended by now, and its child is new.
            quiet = 0 if found - seen else quiet + 1
            if quiet == QUIET_LOOKS:
                return []
            seen = seen | found
        return sorted(seen - own)

    def _tops(self, shells: Sequence[Shell]) -> list[int]:
        """Return the first of some bashes, if it lives, and the orphans outside of it."""
        tops = [shells[0].pid] if shells[0].alive else []
        if self._has_bash_outside(shells):
            tops += self.parked[-len(shells)].adopted({shell.pid for shell in shells})
        return tops

    def _has_bash_outside(self, shells: Sequence[Shell]) -> bool:
        return len(shells) <= len(self.parked)

    def pinned(self, fence: Fence) -> AbstractContextManager[OpenNamespace | None]:
        """Hold the namespace of an applied fence, if it outlives its bashes."""
        # Bash is PID 1 of its pid namespace: the namespace ends with it, and cannot be joined.
        if fence.by_fork or not isinstance(fence, Namespace):
            return nullcontext(None)
        for each in self.applied.above(fence.kind):
            if isinstance(each.fence, Namespace) and each.fence.space == fence.kind:
                # An inner fence owns the present namespace; that of this one is outside it.
                return each.fence.outside()
        return hold_namespace(self.live.pid, fence.space)

    # -- state of bash -------------------------------------------------------------------

    def keys_wait(self) -> AbstractContextManager[object]:
        """Keep keys back while one bash takes the place of another.

        A key that is read after the half-typed line was dumped would end with the first bash.
        """
        return self._state.keys

    def ask(self, script: str) -> str:
        """Have the live bash run a script unseen, and return what it printed."""
        answer = self._state.terminal.ask(script, alive=self.live.pidfd)
        return answer.decode("utf-8", "surrogateescape")

    def tell_directory(self, before: str) -> None:
        """Tell the live bash, if it is idle, that its directory is another than before."""
        now = self.live.cwd
        if now != before and self._state.shell_state is ShellState.IDLE:
            # By its name: bash takes . for the directory that it remembers, if that is there.
            self.ask(rf"\builtin cd -P -- {shlex.quote(now)} || \builtin cd -P .")

    def dump(self) -> State:
        """Read the state of the live bash."""
        # Loaded here: a copy that has run nothing is peeled without a dump.
        from shellplay.shell.state_dump import dump

        return dump(self.ask)

    def transfer(self, state: State) -> Transferred:
        """Bring the live bash into a state; return, in words, what came and what did not."""
        from shellplay.shell.state_transfer import transfer

        return transfer(self.ask, state, self.dump())

    def cover_proc(self) -> tuple[str, ...]:
        """Have /proc show what is inside after a fence was applied; return notes."""
        # Only a removal can leave the /proc of a bash that has ended.
        return self.refresh_proc() if Plan(self.applied.fences).fresh_proc else ()

    def refresh_proc(self) -> tuple[str, ...]:
        """Have /proc show what is inside, if pid and mnt are both applied; return notes."""
        if all(each.how in (How.RESPAWNED, How.OUTSIDE) for each in self.applied):
            return ()  # That was done before the new bash started.
        return apply.refresh_proc(Plan(self.applied.fences), self.live.pid, self.live.seized)
