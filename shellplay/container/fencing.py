"""The fences of a container: apply them to its live bash, change them and remove them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from shellplay.container import facts, placement
from shellplay.container.applied import AppliedFence, AppliedFences
from shellplay.container.applier import NOTHING, Applier
from shellplay.container.apply import sees_the_hosts_proc
from shellplay.container.plan import Plan, Wanted, peer_namespace, restrict
from shellplay.container.respawn import respawn
from shellplay.container.stack import ShellStack
from shellplay.container.state import ContainerState
from shellplay.container.user import Account
from shellplay.container.way_back import Directory, WayBack
from shellplay.errors import KernelError, Refused, ShellGone, ShellplayError
from shellplay.fences import Fence
from shellplay.fences.base.cgroup_limit import CgroupLimit
from shellplay.fences.base.target import Stage
from shellplay.kernel import procfs
from shellplay.kernel.caller import Caller
from shellplay.kernel.explain import explained
from shellplay.kernel.here import HERE
from shellplay.model import Change, FenceRecord, How, Layer, Parked
from shellplay.shell.state import State, Transferred, phrases

HOSTS_PROC = "ps still lists the processes of the host, because /proc is the host's"
WAY_OUT = "/proc shows processes outside, and /proc/PID/root of those leads out (fence pid)"
STATE = "the state of a bash that did not answer"


class Fencing:
    """The fences of one container, which is attended while a method runs.

    ``on_removed`` is called when fences may have been removed, or bash has ended.
    """

    def __init__(self, state: ContainerState, on_removed: Callable[[], None]) -> None:
        self._state = state
        self._on_removed = on_removed
        self._stack = ShellStack(state)
        self._applier = Applier(state, self._stack)
        self.way_back = WayBack(state, self._stack)

    # -- facts ---------------------------------------------------------------------------

    def records(self) -> list[FenceRecord]:
        """Return one record for each layer, re-read from the kernel."""
        return facts.of(self._state, self._around)

    def kinds(self, host: facts.Facts) -> list[str]:
        """Return the kinds of the fenced layers, see ``facts.fenced_kinds``."""
        return facts.fenced_kinds(self._state, self._around, host)

    def layers(self) -> tuple[tuple[Layer, ...], tuple[Parked, ...]]:
        """Return the fences that are up and the parked bashes, see ``container.layers``."""
        # Loaded here: only a picture needs it.
        from shellplay.container import layers

        return layers.of(self._state, self._stack.applied)

    @property
    def applied(self) -> AppliedFences:
        """The fences that are applied, in that order."""
        return self._stack.applied

    # -- in ------------------------------------------------------------------------------

    def fence(self, fence: Fence) -> Change:
        """Apply a fence, after those that bash needs for it."""
        self._state.require_alive()
        self.way_back.forget()
        placement.require_applicable(self._stack, fence)
        status = self._stack.live.status
        fence, notes = self.applied.prepare(fence, status)
        try:
            with peer_namespace(self._state, fence, self._state.pid) as join:
                change = self._applier.apply(fence, join, status)
            self.applied.require_observed(self._state.pid, "bash")
        finally:
            self.release()
        about_proc = self._about_proc(fence.kind)
        return change.changed(notes=(*notes, *change.notes, *about_proc))

    def release(self, *, keep_files: bool = False) -> None:
        """Close what was opened for fences that are not applied any more.

        ``keep_files`` leaves what an ended program has written.
        """
        self.applied.release(everything=self._state.dead, keep_files=keep_files)
        self._on_removed()

    def limit(self, fence: Fence) -> Change:
        """Change a limit that is applied; options that ``fence`` does not have stay."""
        self._state.require_alive()
        kind = fence.kind
        if fence.stage is not Stage.LIMIT:
            raise Refused(f"{kind} is not a limit", f"peel {kind}, and fence it again")
        applied = self.applied.find(kind)
        if applied is None:
            raise Refused(f"{kind} is not limited yet", f"fence {kind}, first")
        before = self._stack.live.identity
        changed = type(fence).parse({**applied.fence.given(), **fence.given()})
        try:
            changed.apply(self._stack.target(HERE))
        except KernelError as error:
            raise explained(error, kind, self._state.pid) from error
        self.applied.change(changed)
        return self._applier.change("limit", kind, applied.how, before=before)

    def surround(
        self, caller: Caller, account: Account | None, without: Collection[str] = ()
    ) -> None:
        """Apply the fences without a namespace to a process that has joined the namespaces.

        It becomes ``account``, if that is not None; the fences of the kinds in ``without`` are
        left out.  Raises ShellplayError if the kernel does not show it behind every other one.
        """
        last = Plan(self.applied.fences).of(Stage.LIMIT, Stage.RESTRICTION)
        applied = [each for each in last if each.kind not in without]
        target = self._stack.target(caller).moved_to(caller)
        if not any(isinstance(each, CgroupLimit) and each not in applied for each in last):
            self._state.group.take_in(caller.pid)
        restrict(applied, caller, account, lambda each: each.apply(target))
        self.applied.require_observed(caller.pid, "the program", without)

    # -- out -----------------------------------------------------------------------------

    def peel(self, kind: str, *, force: bool, code: bool = False) -> Change:
        """Remove a fence; the fences above a one-way one are applied again.

        With ``code`` all state comes out of a fence that is a boundary, too.
        """
        self._state.require_alive()
        self.way_back.forget()
        applied = self.applied.get(kind)
        self.applied.require_none_on(kind)
        before = self._stack.live.identity
        parked = [shell.pid for shell in self._stack.parked]
        notes, transferred = self._remove(applied, force=force, code=code)
        notes += self._stack.refresh_proc() + self._about_proc(kind)
        change = self._applier.change("peel", kind, applied.how, before=before)
        if self._applier.shows(change, applied.fence):
            what = f"another {kind} namespace" if change.host else f"the {kind} fence"
            raise ShellplayError(f"the kernel still shows {what}")
        self.release()
        return change.changed(
            notes=notes,
            carried=transferred.restored,
            left=transferred.failed,
            ended=transferred.ended,
            withheld=phrases(transferred.withheld),
            woken=self._state.pid in parked,
        )

    @property
    def ended_kinds(self) -> list[str]:
        """The kinds of the fences that have ended with the live bash; none while it lives."""
        around = self._around
        return [kind for kind in self.applied.kinds if kind not in around]

    @property
    def _around(self) -> AppliedFences:
        """The fences around the live bash, or around the one that waits after its end."""
        # Read once: it may be killed in between.
        waiting = self._state.waiting
        if waiting is None:
            return self.applied
        return self.applied.up_to_depth(self._state.parked.index(waiting))

    @property
    def _waiting_place(self) -> int:
        waiting = self._state.waiting
        if waiting is None:
            raise Refused(f"no bash of {self._state.label} has ended", "peel KIND")
        return self._state.parked.index(waiting)

    def go_on_outside(self, *, force: bool) -> None:
        """Wake the bash that waits outside of the live one, which has ended.

        Raises Refused if a process that came from that still runs, unless it may be ended.
        """
        ended = [*self._state.parked[self._waiting_place + 1 :], self._stack.live]
        self._applier.lost_jobs(ended, "peel", force=force)
        self._stack.go_on_outside(self._waiting_place)
        self.release()

    def _remove(
        self, applied: AppliedFence, *, force: bool, code: bool
    ) -> tuple[tuple[str, ...], Transferred]:
        """Remove a fence in place, by waking the bash outside, or by starting another."""
        match applied.how:
            case How.OUTSIDE:
                self._stack.remove(applied.fence.kind)
                return (), NOTHING
            case How.IN_PLACE if self._may_leave(applied.fence):
                directory = self._stack.live.cwd
                self._stack.remove(applied.fence.kind)
                self._stack.tell_directory(directory)
                return (), NOTHING
            case How.IN_PLACE | How.FORKED:
                return (), self._wake_outside(applied, force=force, code=code)
        return self._respawn_without(applied, force=force, code=code)

    def _may_leave(self, fence: Fence) -> bool:
        # setns(2) may fail midway once a restriction is applied, so never in place then.
        return not self.applied.restrictions and fence.may_leave(self._stack.live.status)

    def _wake_outside(self, applied: AppliedFence, *, force: bool, code: bool) -> Transferred:
        """Wake the bash outside of a fence, and apply the other fences to it again."""
        self._state.require_idle()
        placement.require_a_way_back(self._stack, applied, self._state.label)
        killed = self._stack.shells_killed_by([applied])
        ended = self._applier.lost_jobs(killed, f"peel {applied.fence.kind}", force=force)
        with self._stack.keys_wait():
            if all(shell.untouched for shell in killed):
                # The state of a copy that has run nothing is that of the bash outside.
                self._rewind(applied)
                return Transferred(ended=ended)
            left = self._stack.live.descriptors_not_in(self._stack.woken_by(applied))
            dumped = self._dump_state_or_none(applied, force=force)
            directory = Directory.of(self._stack.live)
            self._rewind(applied)
            if dumped is None:
                return Transferred((), (*left, STATE), ended=ended)
            transferred = self.way_back.transfer(
                dumped, directory, code=code or not applied.fence.boundary
            )
        failed = (*left, *dumped.stays, *transferred.failed)
        return transferred.changed(failed=failed, ended=ended)

    def _rewind(self, applied: AppliedFence) -> None:
        with self._stack.rewound([applied]) as others:
            for each in others:
                self._applier.apply(*each, self._stack.live.status)

    def _dump_state_or_none(self, applied: AppliedFence, *, force: bool) -> State | None:
        try:
            return self._stack.dump()
        except ShellGone:
            raise
        except ShellplayError as error:
            # It does not answer, or what it answers is not a state.
            if force:
                return None
            fix = f"peel {applied.fence.kind} --force leaves what it has"
            raise type(error)(error.message, fix) from error

    def _respawn_without(
        self, applied: AppliedFence, *, force: bool, code: bool
    ) -> tuple[tuple[str, ...], Transferred]:
        """Start a new bash inside all fences but one."""
        kind = applied.fence.kind
        ended = self._applier.require_respawnable(f"peel {kind}", force=force)
        if (ours := procfs.status("self")) is not None:
            placement.require_all_permitted(self._stack, applied, ours)
        others = [Wanted(each.fence) for each in self.applied if each is not applied]
        try:
            notes, transferred = respawn(
                self._state,
                self._stack,
                others,
                partial(
                    self.way_back.transfer,
                    directory=Directory.of(self._stack.live),
                    code=code or not applied.fence.boundary,
                ),
            )
        except KernelError as error:
            raise explained(error, kind, self._state.pid) from error
        return notes, transferred.changed(ended=ended)

    def _about_proc(self, changed: str) -> tuple[str, ...]:
        """Say that ps inside still shows the host, if a change makes that a surprise."""
        if changed == "root" and "root" in self.applied and self._sees_the_hosts_proc():
            return (WAY_OUT,)
        if changed not in ("pid", "mnt") or "pid" not in self.applied:
            return ()
        if not self._sees_the_hosts_proc():
            return ()
        if "mnt" in self.applied:
            return (HOSTS_PROC,)
        return (f"{HOSTS_PROC} (next: fence mnt)",)

    def _sees_the_hosts_proc(self) -> bool:
        return sees_the_hosts_proc(self._state.pid)
