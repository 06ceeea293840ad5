"""The stack of bashes in a container: parked ones below, the live one on top.

Each method is one movement on the stack, with the standing fences kept in step.  What the
movements are for is decided in fencing.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress

from shellplay.container import apply, jobs
from shellplay.container.applied import AppliedFence, AppliedFences
from shellplay.container.state import ContainerState
from shellplay.errors import KernelError, Refused, TimedOut
from shellplay.fences import KINDS, Fence, Limit, MountOver, Namespace
from shellplay.fences.base.mount_over import is_mounted_over, mounts_at
from shellplay.fences.base.namespace import hold_namespace, return_to, working_directory
from shellplay.fences.base.target import OpenNamespace, Target
from shellplay.fences.rootfs import build
from shellplay.kernel import namespaces, procfs
from shellplay.kernel.caller import Caller
from shellplay.kernel.here import HERE
from shellplay.kernel.process_tree import descendants, kill_quietly
from shellplay.kernel.stub import Stub
from shellplay.model import How, ShellState
from shellplay.shell.broker import broker, mount_caller
from shellplay.shell.shell import Shell
from shellplay.shell.spawn import start_bash
from shellplay.shell.state_dump import State, dump
from shellplay.shell.state_transfer import Carried, carry
from shellplay.shell.terminal import Terminal

# A fence that is to go up, and the namespace to join for it.
Wanted = tuple[Fence, OpenNamespace | None]

# Out of these a bash that may can come back; the other two are left by waking another.
IN_PLACE_KINDS = tuple(kind for kind in KINDS if kind not in ("user", "pid"))


class ShellStack:
    """The bashes and the fences of one container, which is attended meanwhile."""

    def __init__(self, state: ContainerState) -> None:
        self._state = state
        self.standing = AppliedFences()

    @property
    def live(self) -> Shell:
        """The live bash."""
        return self._state.live

    @property
    def parked(self) -> list[Shell]:
        """The parked bashes, outermost first."""
        return self._state.parked

    # -- up ------------------------------------------------------------------------------

    def put_in_place(self, fence: Fence, join: OpenNamespace | None) -> How:
        """Put a fence around the live bash itself; undone if it fails half-way."""
        if isinstance(fence, Limit | MountOver):
            if isinstance(fence, Limit):
                fence.apply(self.target(HERE))
            else:
                with self._mounter() as caller:
                    self._mount(fence, caller, self.live.pid, self._state.terminal)
            self.standing.add(AppliedFence(fence, How.OUTSIDE, len(self.parked)))
            return How.OUTSIDE
        assert isinstance(fence, Namespace)
        before = namespaces.identify(self.live.pid, fence.space)
        with self.live.seized() as caller:
            path = working_directory(caller)
            try:
                apply.in_place(fence, caller, join)
            except (KernelError, Refused, OSError):
                if namespaces.identify(self.live.pid, fence.space) != before:
                    with fence.outside() as outside:
                        apply.take_off(fence.space, caller, outside)
                    return_to(caller, path)
                raise
        self.standing.add(AppliedFence(fence, How.IN_PLACE, len(self.parked)))
        return How.IN_PLACE

    def target(self, caller: Caller, shell: Shell | None = None) -> Target:
        """Return a bash, the live one by default, as the target of a fence."""
        pid = (shell or self.live).pid
        return Target(pid, caller, self._state.group, self._state.terminal.path)

    def _mounter(self) -> AbstractContextManager[Caller]:
        by_itself = self._state.settings.live and not self.standing.restrictions()
        return mount_caller(self._state.monitor, self.live, by_itself=by_itself)

    def _mount(self, fence: MountOver, caller: Caller, pid: int, terminal: Terminal) -> None:
        if fence.observed(pid):
            # It is of a fence that has come off below it.
            if not is_mounted_over(pid, fence.target):
                fence.mount_instead(caller, terminal.path)
                return
            fence.unmount(caller)
        before = mounts_at(pid, fence.target)
        try:
            fence.mount(caller, terminal.path)
        except KernelError:
            if mounts_at(pid, fence.target) != before:
                fence.unmount(caller)
            raise

    def put_on_copy(self, fence: Fence, join: OpenNamespace | None) -> None:
        """Fork the live bash; the copy is inside the fence, the original is parked."""
        outer = self.live
        has_jobs = bool(jobs.children(self._state))
        copy = outer.fork(self._state.terminal, apply.by_fork(fence, join, self._state.group))
        self.parked.append(outer)
        self._state.live = copy
        self.standing.add(AppliedFence(fence, How.FORKED, len(self.parked)))
        if has_jobs:
            # They are children of the parked bash; the copy must not count on them.
            self.ask(r"\builtin disown -a")

    def put_on_the_last_copy(self, fence: Fence) -> None:
        """Put a one-way fence around the live bash, which is a copy already.

        The bash that is parked outside of the last fork is the way back from this one too.
        """
        with self.live.seized() as caller:
            apply.around(fence, caller, self._state.group)
        self.standing.add(AppliedFence(fence, How.FORKED, len(self.parked)))

    # -- down ----------------------------------------------------------------------------

    def take_off(self, kind: str) -> None:
        """Move the live bash itself back to where the host is."""
        match self.standing.find(kind):
            case AppliedFence(Limit() as limit, depth=depth):
                # It is around those that were forked since, too: the parked ones among them.
                for shell in (*self.parked[depth:], self.live):
                    limit.remove(self.target(HERE, shell))
            case AppliedFence(MountOver() as mounted):
                with self._mounter() as caller:
                    mounted.unmount(caller)
            case AppliedFence(Namespace() as fence, depth=depth) if kind not in KINDS:
                # Those that were forked since are in its namespace, and no other fence's.
                for shell in (*self.parked[depth:], self.live):
                    self._leave(fence, shell)
            case _:
                with self.live.seized() as caller, hold_namespace(os.getpid(), kind) as host:
                    apply.take_off(kind, caller, host)
        self.standing.remove(kind)

    def _leave(self, fence: Namespace, shell: Shell) -> None:
        with fence.outside() as outside:
            if namespaces.identify(shell.pid, fence.space) == namespaces.of_descriptor(
                outside.fd
            ):
                return
            paths = build.open_paths(shell.pid)
            with shell.seized() as caller:
                apply.take_off(fence.space, caller, outside)
                build.reopen(caller, paths)

    def doomed_by(self, off: Sequence[AppliedFence]) -> list[Shell]:
        """Return the bashes that end if fences come off by waking one outside of them."""
        return [*self.parked[self.outside(off) + 1 :], self.live]

    def woken_by(self, standing: AppliedFence) -> Shell:
        """Return the bash that goes on if a fence is peeled by waking one outside of it."""
        return self.parked[self.outside([standing])]

    def outside(self, off: Sequence[AppliedFence]) -> int:
        """Return the place, from the bottom, of the bash that is or can come outside."""
        outer = [_outside(each) for each in off]
        if any(each.how is not How.FORKED for each in off):
            # It has to come out by itself, so it must not have given up what that takes.
            outer += [_outside(each) for each in self.standing.restrictions()]
        return min(outer)

    @contextmanager
    def stepped_back(
        self, off: Sequence[AppliedFence], *, deaf: bool = False
    ) -> Iterator[list[Wanted]]:
        """Wake the bash that can be without some fences.

        What was asked of one that is ``deaf`` is asked of no other.  Yields the other fences
        that came off by that, to be put up again: each with its namespace, where that outlives
        its bashes.
        """
        doomed, inside = self.doomed_by(off), self.outside(off) + 1
        with ExitStack() as held:
            others = [
                (each.fence, held.enter_context(self._pinned(each.fence)))
                for each in self.standing
                if each.depth >= inside and each not in off
            ]
            self.standing.cut(inside)
            for each in off:
                self.standing.remove(each.fence.kind)
            self._end(doomed)
            if deaf:
                self._state.terminal.take_back()
            del self.parked[inside:]
            self._wake(doomed[0])
            for each in off:
                if isinstance(each.fence, Namespace) and each.fence.kind not in KINDS:
                    self._leave(each.fence, self.live)
            yield others

    def fall_back(self) -> None:
        """Wake the bash below the live one, which has ended, its fences with it."""
        with self.keys_wait():
            # Whoever typed ``exit`` goes on with the next line: the prompt has to be there
            # before it, also if that line was typed at once.
            typed = self._state.terminal.take_back()
            try:
                self._lift_limits()
                self.standing.cut(len(self.parked))
                self._wake(self.live)
                self.fit_proc()
                with suppress(TimedOut):
                    self.ask(":")
            finally:
                self._state.terminal.offer(typed)

    def _lift_limits(self) -> None:
        for each in self.standing:
            if isinstance(each.fence, Limit) and each.depth >= len(self.parked):
                each.fence.clean_up(self._state.group)

    def _wake(self, ended: Shell) -> None:
        # It is the live one from here on, also if it turns out to have ended as well.
        self._state.live = woken = self.parked.pop()
        ended.close()
        woken.wake(self._state.terminal, ended)
        # It slept while fences came off in place above it.
        for kind in IN_PLACE_KINDS:
            host = namespaces.identify("self", kind)
            if kind not in self.standing and namespaces.identify(woken.pid, kind) != host:
                self.take_off(kind)

    def _end(self, shells: Sequence[Shell]) -> None:
        doomed = descendants(shells[0].pid)
        for shell in reversed(shells):
            shell.kill()
        for shell in shells[1:]:
            shell.close()
        for pid in doomed:
            kill_quietly(pid)

    # -- anew ----------------------------------------------------------------------------

    def respawn(self, wanted: Sequence[Wanted]) -> tuple[tuple[str, ...], Carried]:
        """Start a new bash inside ``wanted`` and give it the state of the old one.

        A fence that stands is joined, where its namespace outlives the old bash.  Returns
        notes on /proc and what was carried.  If the new bash cannot be started, nothing has
        changed.
        """
        with self.keys_wait():
            state = self.dump()
            notes = self._replace(wanted)
            carried = self.carry(state)
        return notes, Carried(carried.carried, (*state.stays, *carried.failed))

    def _replace(self, wanted: Sequence[Wanted]) -> tuple[str, ...]:
        old = [*self.parked, self.live]
        fences = [fence for fence, _ in wanted]
        with ExitStack() as undo:
            # The same nonce: the prompt that is carried over has our marks in it.
            before = self._state.terminal
            terminal = Terminal(
                before.columns,
                before.rows,
                term=before.term,
                tells_lines=before.tells_lines,
                nonce=before.nonce,
            )
            undo.callback(terminal.close)
            stub = self._stub_inside(wanted, undo)
            notes = _fit_proc(stub.pid, fences, lambda: nullcontext(stub))
            standing = [AppliedFence(fence, way_on(fence, stub.pid), 0) for fence in fences]
            for fence in fences:
                if isinstance(fence, MountOver):
                    with broker(self._state.monitor, stub.pid) as caller:
                        self._mount(fence, caller, stub.pid, terminal)
            who = self._state.account
            apply.all_around(
                fences, stub, who, lambda f: apply.around(f, stub, self._state.group)
            )
            shell = self._bash_anew(stub, terminal)
            undo.pop_all()
        self._end(old)
        old[0].close()
        self._state.replace(shell, terminal)
        self.standing.restart(standing)
        return notes

    def _bash_anew(self, stub: Stub, terminal: Terminal) -> Shell:
        """Start a bash as the one before it was started."""
        spec = self._state.spec
        if spec is None:
            return start_bash(stub, terminal, user_file=self._state.settings.bashrc)
        return start_bash(
            stub, terminal, user_file=spec.reads_bashrc,
            path=spec.argv[0], environment=self._state.environment,
        )  # fmt: skip

    def _stub_inside(self, wanted: Sequence[Wanted], undo: ExitStack) -> Stub:
        stub = self._state.monitor.stub()
        undo.callback(stub.quit)
        stub.chdir(self.live.cwd)
        for fence, join in wanted:
            if not isinstance(fence, Namespace):
                continue  # It may take what it needs for the rest: these come last.
            pinned = self._pinned(fence) if fence.kind in self.standing else nullcontext(join)
            with pinned as pin:
                stub = apply.on_stub(fence, stub, pin)
            undo.callback(stub.quit)
        return stub

    def _pinned(self, fence: Fence) -> AbstractContextManager[OpenNamespace | None]:
        # PID 1 of a pid namespace is the bash itself: with it the namespace ends, and a
        # new one has to do.
        if fence.by_fork or not isinstance(fence, Namespace):
            return nullcontext(None)
        for each in self.standing.above(fence.kind):
            if isinstance(each.fence, Namespace) and each.fence.space == fence.kind:
                return each.fence.outside()  # Where bash is now is that one's.
        return hold_namespace(self.live.pid, fence.space)

    # -- state ---------------------------------------------------------------------------

    def keys_wait(self) -> AbstractContextManager[object]:
        """Let the keys of others wait while one bash takes the place of another.

        One that the first reads after it has told its half-typed line would end with it.
        """
        return self._state.terminal.lock

    def ask(self, script: str) -> str:
        """Have the live bash run a script unseen, and return what it printed."""
        answer = self._state.terminal.ask(script, alive=self.live.pidfd)
        return answer.decode("utf-8", "surrogateescape")

    def tell_directory(self, before: str) -> None:
        """Tell the live bash, if it is idle, that its directory is another than before."""
        if self.live.cwd != before and self._state.shell_state is ShellState.IDLE:
            self.ask(r"\builtin cd -P .")

    def dump(self) -> State:
        """Read the state of the live bash."""
        return dump(self.ask)

    def carry(self, state: State) -> Carried:
        """Bring the live bash into a state; return, in words, what came and what did not."""
        return carry(self.ask, state, self.dump())

    def fit_proc(self) -> tuple[str, ...]:
        """Make /proc show what is inside, if pid and mnt both stand; return notes."""
        if all(each.how in (How.RESPAWNED, How.OUTSIDE) for each in self.standing):
            return ()  # That was done before the new bash started.
        fences = [each.fence for each in self.standing]
        return _fit_proc(self.live.pid, fences, self.live.seized)


def _outside(standing: AppliedFence) -> int:
    return standing.depth - 1 if standing.how is How.FORKED else standing.depth


def way_on(fence: Fence, pid: int) -> How:
    """Return how a fence is going to stand around a process that becomes a new bash."""
    outside = isinstance(fence, MountOver) or (
        isinstance(fence, Limit) and fence.removable(pid)
    )
    return How.OUTSIDE if outside else How.RESPAWNED


def _fit_proc(
    pid: int,
    fences: Iterable[Fence],
    seized: Callable[[], AbstractContextManager[Caller]],
) -> tuple[str, ...]:
    up = {fence.kind: fence for fence in fences}
    if "mnt" not in up or apply.sees_itself(pid):
        return ()
    # Below a new root there may be another /proc than that of the host.
    fresh = getattr(up["pid"], "proc", False) if "pid" in up else "root" in up
    # More than one where a proc fence lies over the fresh one of a bash that has ended.
    stale = apply.proc_mounts(pid) - apply.proc_mounts("self")
    if not fresh and stale <= 0:
        return ()
    try:
        with seized() as caller:
            for _ in range(stale):
                apply.unmount_proc(caller)
            if fresh:
                apply.mount_proc(caller)
    except KernelError as error:
        return (f"/proc still shows other processes: {error.message}",)
    who = "inside" if "pid" in up else "of the host"
    return (f"/proc is fresh: it shows the processes {who}",) if fresh else ()


def named(pid: int) -> str:
    """Return a process as the user knows it: its command, and its PID on the host."""
    words = procfs.arguments(pid)
    return f"{' '.join(words) if words else '?'} ({pid})"
