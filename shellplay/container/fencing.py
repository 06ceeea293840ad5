"""How fences go up around a container's bash, and come off: the rule.

A fence goes on in place if it can come off in place; otherwise the bash forks, and the
original waits outside, parked.  Where ptrace is refused, or ``set live off``, a new bash
is started inside and gets the state of the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shellplay.container import apply, facts, placement
from shellplay.container.applied import AppliedFence, AppliedFences
from shellplay.container.apply import sees_the_hosts_proc
from shellplay.container.stack import ShellStack, named
from shellplay.container.state import ContainerState
from shellplay.errors import KernelError, Refused, ShellGone, ShellplayError, TimedOut
from shellplay.fences import REGISTRY, Fence, Limit, Namespace
from shellplay.fences.base.namespace import hold_namespace
from shellplay.fences.base.target import OpenNamespace
from shellplay.kernel import procfs
from shellplay.kernel.caller import Caller
from shellplay.kernel.explain import explained, ptrace_refusal
from shellplay.kernel.here import HERE
from shellplay.kernel.process_tree import running
from shellplay.model import Change, FenceRecord, How, NamespaceId, ShellIdentity
from shellplay.shell.shell import Shell
from shellplay.shell.state_dump import State
from shellplay.shell.state_transfer import Carried

# What to say of the fence that had to come before.
FIRST = {
    "user": "an ordinary user needs a user fence for it, so that went up first",
    "mnt": "it comes with mounts, so mnt went up first",
    "pid": "it shows processes, so pid went up first",
    "nnp": "without privileges it takes no_new_privs, so nnp went up first",
}
# What to say of processes that were there before a fence.
EARLIER = {
    How.IN_PLACE: "already there, and outside of it",
    How.FORKED: "stays outside with the parked bash, and is its job again after a peel",
}
PID_LAST = "pid came off and went up again around it, so that bash is still number 1"
NO_WAY_BACK = "bash could not turn back from it to fork, so a new one was started inside"
HOSTS_PROC = "ps inside reads /proc, and that is still the host's"
WAY_OUT = "/proc shows processes outside, and /proc/PID/root of those leads out (fence pid)"
STATE = "the state of a bash that did not answer"
NOTHING = Carried((), ())


class Fencing:
    """The fences of one container, which is attended while a method runs."""

    def __init__(self, state: ContainerState, on_removed: Callable[[], None]) -> None:
        self._state = state
        self._stack = ShellStack(state)
        self._on_removed = on_removed

    # -- looking -------------------------------------------------------------------------

    def records(self) -> list[FenceRecord]:
        """Return one record for each layer, re-read from the kernel."""
        return facts.of(self._state, self._stack.standing)

    @property
    def applied(self) -> AppliedFences:
        """The fences that stand, in the order in which they went up."""
        return self._stack.standing

    def kinds(self) -> list[str]:
        """Return the kinds of the fences that were put up, in that order."""
        return [each.fence.kind for each in self._stack.standing]

    # -- up ------------------------------------------------------------------------------

    def fence(self, fence: Fence) -> Change:
        """Put a fence up, after those that bash needs for it."""
        self._state.require_alive()
        if fence.kind in self._stack.standing:
            raise Refused(f"{fence.kind} is fenced already", f"peel {fence.kind}, first")
        if (reason := fence.unsupported()) is not None:
            raise Refused(reason)
        if fence.observed("self"):
            raise Refused(f"{fence.kind}: the host is like that already, so nothing is fenced")
        placement.require_still_seen(self._stack, fence)
        fence, notes = fence.prepared(self._stack.live.status)
        self._stack.standing.prepared.append(fence)
        try:
            with self._joined(fence) as join:
                change = self._up(fence, join)
            self._stack.standing.require_shown(self._state.pid, "bash")
        finally:
            self.release()
        return change._replace(notes=(*notes, *change.notes, *self._about_proc(fence.kind)))

    def release(self) -> None:
        """Let go of what was taken from outside for fences that stand no more."""
        self._stack.standing.release(everything=self._state.dead)
        self._on_removed()

    def limit(self, fence: Fence) -> Change:
        """Change a limit that stands; what ``fence`` does not say stays as it is."""
        self._state.require_alive()
        kind = fence.kind
        if not isinstance(fence, Limit):
            raise Refused(f"{kind} is no limit", f"peel {kind}, and fence it again")
        standing = self._stack.standing.find(kind)
        if standing is None:
            raise Refused(f"{kind} is not limited yet", f"fence {kind}, first")
        before = self._stack.live.identity
        changed = type(fence).parse({**standing.fence.given(), **fence.given()})
        try:
            changed.apply(self._stack.target(HERE))
        except KernelError as error:
            raise explained(error, kind, self._state.pid) from error
        self._stack.standing.change(changed)
        return self._change("limit", kind, standing.how, before=before)

    def surround(self, caller: Caller) -> None:
        """Put the fences without a namespace around a process that has joined all others.

        Raises ShellplayError if the kernel does not show it behind every fence then.
        """
        fences = [each.fence for each in self._stack.standing]
        who = self._state.account
        apply.all_around(
            fences, caller, who, lambda f: apply.around(f, caller, self._state.group)
        )
        self._stack.standing.require_shown(caller.pid, "the program")

    def _up(self, fence: Fence, join: OpenNamespace | None) -> Change:
        over = placement.over(self._stack, fence)
        if over and self._may_step_back(over):
            return self._up_below(over, fence, join)
        first = self._first(fence)
        change = self._put(fence, join)
        notes = tuple(FIRST[each.fence] for each in first)
        return change._replace(first=first, notes=(*notes, *change.notes))

    @contextmanager
    def _joined(self, fence: Fence) -> Iterator[OpenNamespace | None]:
        if not isinstance(fence, Namespace) or fence.join is None:
            yield None
            return
        other = self._state.find_peer(fence.join)
        other.require_alive()
        if fence.fact(self._state.pid) == fence.fact(other.pid):
            raise Refused(f"{other.label} has the same {fence.kind} namespace already")
        with hold_namespace(other.pid, fence.space) as join:
            yield join

    def _first(self, fence: Fence) -> tuple[Change, ...]:
        changes: list[Change] = []
        needed = fence.opened_by
        if (
            needed is not None
            and needed not in self._stack.standing
            and not fence.permitted(self._stack.live.status)
        ):
            shared = isinstance(fence, Namespace) and needed == "user" and fence.join
            opening = REGISTRY[needed].parse({"join": shared} if shared else {})
            with self._joined(opening) as join:
                changes.append(self._put(opening, join))
        for kind in fence.needs:
            if kind not in self._stack.standing:
                changes.append(self._up(REGISTRY[kind](), None))
        return tuple(changes)

    def _may_step_back(self, over: list[AppliedFence]) -> bool:
        """Tell whether somebody waits outside of some fences: none if bash started inside."""
        hows = {each.how for each in over}
        return self._state.settings.live and hows <= {How.FORKED, How.OUTSIDE}

    def _up_below(
        self, over: list[AppliedFence], fence: Fence, join: OpenNamespace | None
    ) -> Change:
        self._state.require_idle()
        before = self._stack.live.identity
        self._lost_jobs(self._stack.doomed_by(over), f"fence {fence.kind}", force=False)
        notes: list[str] = []
        with self._stack.keys_wait():
            state = self._stack.dump()
            with self._stack.stepped_back(over) as others:
                for other, pin in others:
                    self._up(other, pin)
                change = self._up(fence, join)
                for each in over:
                    notes += self._put(each.fence, None).notes
            carried = self._stack.carry(state)
        kinds = [each.fence.kind for each in over]
        if "pid" in kinds:
            kinds.remove("pid")
            notes.insert(0, PID_LAST)
        if kinds:
            notes.insert(0, f"{', '.join(kinds)} came off and went up again, above it")
        return change._replace(
            before=before,
            after=self._stack.live.identity,
            notes=tuple(dict.fromkeys((*change.notes, *notes))),
            carried=carried.carried,
            left=(*state.stays, *carried.failed),
        )

    def _put(self, fence: Fence, join: OpenNamespace | None) -> Change:
        before, directory = self._stack.live.identity, self._stack.live.cwd
        earlier = self._earlier_processes()
        how, notes, carried = self._put_somehow(fence, join)
        self._stack.tell_directory(directory)
        notes += fence.remarks() + self._stack.fit_proc()
        if earlier and how in EARLIER:
            notes += (f"{EARLIER[how]}: {', '.join(earlier)}",)
        change = self._change("fence", fence.kind, how, before=before)
        if self._stack.standing.shown(fence, self._state.pid) is False:
            what = f"a new {fence.kind} namespace" if change.host else f"the {fence.kind} fence"
            raise ShellplayError(f"the kernel does not show {what}")
        return change._replace(notes=notes, carried=carried.carried, left=carried.failed)

    def _put_somehow(
        self, fence: Fence, join: OpenNamespace | None
    ) -> tuple[How, tuple[str, ...], Carried]:
        outside = isinstance(fence, Limit) and fence.removable(self._state.pid)
        if not outside and (
            not self._state.settings.live or placement.over(self._stack, fence)
        ):
            return How.RESPAWNED, *self._put_on_new_bash(fence, join)
        if (
            join is not None
            and fence.by_fork
            and isinstance(fence, Namespace)
            and not apply.may_return(self._stack.live, fence)
        ):
            notes, carried = self._put_on_new_bash(fence, join)
            return How.RESPAWNED, (NO_WAY_BACK, *notes), carried
        try:
            if apply.comes_off_in_place(self._stack.live, fence):
                return self._stack.put_in_place(fence, join), (), NOTHING
            self._state.require_idle()
            if placement.shares_the_fork(self._stack, fence):
                self._stack.put_on_the_last_copy(fence)
            else:
                self._stack.put_on_copy(fence, join)
            return How.FORKED, (), NOTHING
        except ShellGone as error:
            if not self._stack.live.alive:
                raise
            raise Refused(f"{fence.kind}: a bash that is inside ends at once") from error
        except KernelError as error:
            if not error.call.startswith("ptrace"):
                raise explained(error, fence.kind, self._state.pid) from error
            reason = ptrace_refusal(self._state.pid)
            notes, carried = self._put_on_new_bash(fence, join)
            return How.RESPAWNED, (reason, *notes), carried

    def _put_on_new_bash(
        self, fence: Fence, join: OpenNamespace | None
    ) -> tuple[tuple[str, ...], Carried]:
        self._require_respawnable(f"fence {fence.kind}", force=False)
        over = placement.over(self._stack, fence)
        below = [(each.fence, None) for each in self._stack.standing if each not in over]
        above = [(each.fence, None) for each in over]
        try:
            return self._stack.respawn([*below, (fence, join), *above])
        except KernelError as error:
            raise explained(error, fence.kind, self._state.pid) from error

    # -- down ----------------------------------------------------------------------------

    def peel(self, kind: str, *, force: bool) -> Change:
        """Take one fence off; fences above a one-way one are put back on."""
        self._state.require_alive()
        standing = self._stack.standing.get(kind)
        self._stack.standing.require_none_on(kind)
        before = self._stack.live.identity
        parked = [shell.pid for shell in self._stack.parked]
        notes: tuple[str, ...] = ()
        carried = NOTHING
        match standing.how:
            case How.OUTSIDE:
                self._stack.take_off(kind)
            case How.IN_PLACE if self._may_return(standing.fence):
                self._stack.take_off(kind)
            case How.IN_PLACE | How.FORKED:
                carried = self._wake_below(standing, force=force)
            case _:
                left = self._require_respawnable(f"peel {kind}", force=force)
                if (ours := procfs.status("self")) is not None:
                    placement.require_all_permitted(self._stack, standing, ours)
                rest = [s.fence for s in self._stack.standing if s is not standing]
                try:
                    notes, carried = self._stack.respawn([(fence, None) for fence in rest])
                except KernelError as error:
                    raise explained(error, kind, self._state.pid) from error
                carried = Carried(carried.carried, (*left, *carried.failed))
        notes += self._stack.fit_proc() + self._about_proc(kind)
        change = self._change("peel", kind, standing.how, before=before)
        if self._stack.standing.shown(standing.fence, self._state.pid):
            what = f"another {kind} namespace" if change.host else f"the {kind} fence"
            raise ShellplayError(f"the kernel still shows {what}")
        self.release()
        change = change._replace(carried=carried.carried, left=carried.failed)
        return change._replace(notes=notes, woken=self._state.pid in parked)

    def peel_all(self, *, force: bool) -> list[Change]:
        """Take all fences off, the last one first."""
        self._state.require_alive()
        return [self.peel(kind, force=force) for kind in reversed(self.kinds())]

    def fall_back(self) -> None:
        """Wake the bash below the live one, which has ended."""
        self._stack.fall_back()
        self.release()

    def _may_return(self, fence: Fence) -> bool:
        # Behind a restriction it may turn out half-way that it may not.
        restricted = bool(self._stack.standing.restrictions())
        return (
            not restricted
            and isinstance(fence, Namespace)
            and apply.may_return(self._stack.live, fence)
        )

    def _wake_below(self, standing: AppliedFence, *, force: bool) -> Carried:
        self._state.require_idle()
        placement.require_a_way_back(self._stack, standing, self._state.label)
        doomed = self._stack.doomed_by([standing])
        left = self._lost_jobs(doomed, f"peel {standing.fence.kind}", force=force)
        with self._stack.keys_wait():
            if all(shell.untouched for shell in doomed):
                # Copies that have run nothing know what the bash outside knows.
                self._come_outside(standing)
                return Carried((), left)
            left += self._stack.live.open_beside(self._stack.woken_by(standing))
            state = self._told_state(standing, force=force)
            self._come_outside(standing, deaf=state is None)
            if state is None:
                return Carried((), (*left, STATE))
            carried = self._stack.carry(state)
        return Carried(carried.carried, (*left, *state.stays, *carried.failed))

    def _come_outside(self, standing: AppliedFence, *, deaf: bool = False) -> None:
        with self._stack.stepped_back([standing], deaf=deaf) as others:
            for fence, pin in others:
                self._up(fence, pin)

    def _told_state(self, standing: AppliedFence, *, force: bool) -> State | None:
        try:
            return self._stack.dump()
        except TimedOut as error:
            if force:
                return None
            fix = f"peel {standing.fence.kind} --force leaves what it has"
            raise TimedOut(error.message, fix) from error

    def _require_respawnable(self, what: str, *, force: bool) -> tuple[str, ...]:
        self._state.require_idle()
        old = [*self._stack.parked, self._stack.live]
        return self._lost_jobs(old, what, force=force)

    def _lost_jobs(self, shells: list[Shell], what: str, *, force: bool) -> tuple[str, ...]:
        """Return the jobs that end with ``shells``; raise Refused unless that is forced."""
        pids = {shell.pid for shell in shells}
        jobs = [named(pid) for pid in running(shells[0].pid) if pid not in pids]
        if jobs and not force:
            count = "the job" if len(jobs) == 1 else f"{len(jobs)} jobs:"
            them = "it" if len(jobs) == 1 else "them"
            fix = f"wait for {them}" + (
                f", or {what} --force" if what.startswith("peel") else ""
            )
            raise Refused(f"{what} would end {count} {', '.join(jobs)}", fix)
        return tuple(f"job {job}" for job in jobs)

    def _about_proc(self, changed: str) -> tuple[str, ...]:
        """Say that ps inside still shows the host, when that is what surprises now."""
        up = self.kinds()
        if changed == "root" and "root" in up and sees_the_hosts_proc(self._state.pid):
            return (WAY_OUT,)
        if changed not in ("pid", "mnt") or "pid" not in up:
            return ()
        if not sees_the_hosts_proc(self._state.pid):
            return ()
        return (HOSTS_PROC if "mnt" in up else f"{HOSTS_PROC} (fence mnt gives a fresh one)",)

    # -- facts ---------------------------------------------------------------------------

    def _change(self, verb: str, kind: str, how: How, *, before: ShellIdentity) -> Change:
        layer = REGISTRY[kind]
        mine, host = layer.fact(self._state.pid), layer.fact("self")
        is_namespace = isinstance(mine, NamespaceId) or isinstance(host, NamespaceId)
        return Change(
            verb, kind, how, before, self._stack.live.identity,
            namespace=mine if isinstance(mine, NamespaceId) else None,
            host=host if isinstance(host, NamespaceId) else None,
            state=None if is_namespace else layer.describe(mine, other=host),
        )  # fmt: skip

    def _earlier_processes(self) -> list[str]:
        parked = {shell.pid for shell in self._stack.parked}
        return [named(pid) for pid in running(self._state.pid) if pid not in parked]
