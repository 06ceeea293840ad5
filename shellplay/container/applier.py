"""How a fence is applied to the live bash: in place, by fork or by respawn.

A fence is applied in place if bash can leave it again; otherwise bash forks, and the original
is suspended outside.  Where ptrace is refused, or after ``set live off``, a new bash is
started inside and gets the state of the old one.
"""

from __future__ import annotations

from shellplay.container import placement
from shellplay.container.applied import AppliedFence
from shellplay.container.plan import Wanted, peer_namespace
from shellplay.container.respawn import respawn
from shellplay.container.stack import ShellStack
from shellplay.container.state import ContainerState
from shellplay.errors import KernelError, Refused, ShellGone, ShellplayError
from shellplay.fences import REGISTRY, Fence, Namespace
from shellplay.fences.base.target import MadeBy, OpenNamespace
from shellplay.kernel import procfs
from shellplay.kernel.explain import explained, ptrace_refusal
from shellplay.kernel.process_tree import running
from shellplay.kernel.procfs import Status
from shellplay.model import Change, How, NamespaceId, ShellIdentity
from shellplay.shell.shell import Shell
from shellplay.shell.state import Transferred

# Notes on fences that were applied because another one needs them, by kind.
FIRST = {
    "user": "bash lacks the privileges for it, so a user fence went up first",
    "mnt": "needs mounts of its own, so the mnt fence went up first",
    "pid": "needs PIDs of its own, so the pid fence went up first",
    "nnp": "needs no_new_privs without privileges, so the nnp fence went up first",
}
# Notes on processes that were there before a fence.
EARLIER = {
    How.IN_PLACE: "started before the fence, so not behind it",
    How.FORKED: "stays outside with the parked bash, and is its job again after a peel",
}
PID_LAST = "the pid fence was rebuilt, so that bash is still PID 1"
NO_WAY_BACK = "bash could not turn back from it to fork, so a new one was started inside"
NOTHING = Transferred()


class Applier:
    """Applies fences to the live bash of one container, which is attended meanwhile."""

    def __init__(self, state: ContainerState, stack: ShellStack) -> None:
        self._state = state
        self._stack = stack

    def apply(self, fence: Fence, join: OpenNamespace | None, status: Status) -> Change:
        """Apply a fence, after those that it needs, and below those that must stay above.

        ``status`` is that of the live bash.
        """
        above = placement.must_stay_above(self._stack, fence)
        if above and self._can_rewind(above):
            return self._apply_below(above, fence, join)
        first = self._apply_first(fence, status)
        if not first:
            return self._apply_one(fence, join, status)
        change = self._apply_one(fence, join, self._stack.live.status)
        notes = tuple(FIRST[each.fence] for each in first)
        return change.changed(first=first, notes=(*notes, *change.notes))

    def _apply_first(self, fence: Fence, status: Status) -> tuple[Change, ...]:
        """Apply the fences that a fence needs and that are not applied."""
        changes: list[Change] = []
        needed = fence.opened_by
        if (
            needed is not None
            and needed not in self._stack.applied
            and not fence.permitted(status)
        ):
            shared = isinstance(fence, Namespace) and needed == "user" and fence.join
            opening = REGISTRY[needed].parse({"join": shared} if shared else {})
            with peer_namespace(self._state, opening, self._state.pid) as join:
                changes.append(self._apply_one(opening, join, status))
        for kind in fence.needs:
            if kind not in self._stack.applied:
                changes.append(self.apply(REGISTRY[kind](), None, self._stack.live.status))
        return tuple(changes)

    def _can_rewind(self, off: list[AppliedFence]) -> bool:
        """Tell whether a bash is suspended outside of some fences, or can leave them."""
        hows = {each.how for each in off}
        return self._state.settings.live and hows <= {How.FORKED, How.OUTSIDE}

    def _apply_below(
        self, above: list[AppliedFence], fence: Fence, join: OpenNamespace | None
    ) -> Change:
        """Remove the fences above, apply the fence, and apply them again."""
        self._state.require_idle()
        before = self._stack.live.identity
        self.lost_jobs(self._stack.shells_killed_by(above), f"fence {fence.kind}", force=False)
        notes: list[str] = []
        with self._stack.keys_wait():
            dumped = self._stack.dump()
            with self._stack.rewound(above) as others:
                for other in others:
                    self.apply(*other, self._stack.live.status)
                change = self.apply(fence, join, self._stack.live.status)
                for each in above:
                    status = self._stack.live.status
                    notes += self._apply_one(each.fence, None, status).notes
            transferred = self._stack.transfer(dumped)
        kinds = [each.fence.kind for each in above]
        if "pid" in kinds:
            kinds.remove("pid")
            notes.insert(0, PID_LAST)
        if kinds:
            notes.insert(0, f"{', '.join(kinds)} came off and went up again, above it")
        return change.changed(
            before=before,
            after=self._stack.live.identity,
            notes=tuple(dict.fromkeys((*change.notes, *notes))),
            carried=transferred.restored,
            left=(*dumped.stays, *transferred.failed),
        )

    def _apply_one(self, fence: Fence, join: OpenNamespace | None, status: Status) -> Change:
        """Apply a fence whose needs are met, and verify in the kernel that it is there."""
        before, directory = self._stack.live.identity, self._stack.live.cwd
        earlier = self._earlier_processes()
        how, notes, transferred = self._apply_in_place_or_fork_or_respawn(fence, join, status)
        self._stack.tell_directory(directory)
        notes += fence.remarks() + self._stack.cover_proc()
        if earlier and how in EARLIER:
            notes += (f"{EARLIER[how]}: {', '.join(earlier)}",)
        change = self.change("fence", fence.kind, how, before=before)
        if self.shows(change, fence) is False:
            what = f"a new {fence.kind} namespace" if change.host else f"the {fence.kind} fence"
            raise ShellplayError(f"the kernel does not show {what}")
        return change.changed(
            notes=notes, carried=transferred.restored, left=transferred.failed
        )

    def _apply_in_place_or_fork_or_respawn(
        self, fence: Fence, join: OpenNamespace | None, status: Status
    ) -> tuple[How, tuple[str, ...], Transferred]:
        from_host = fence.made_by is MadeBy.HOST and fence.removable(status)
        if not from_host and self._takes_a_new_bash(fence):
            return How.RESPAWNED, *self._respawn(fence, join)
        if join is not None and fence.by_fork and not fence.may_leave(status):
            notes, transferred = self._respawn(fence, join)
            return How.RESPAWNED, (NO_WAY_BACK, *notes), transferred
        try:
            if from_host or fence.removable(status):
                return self._stack.apply_in_place(fence, join), (), NOTHING
            self._state.require_idle()
            if placement.reuses_last_fork(self._stack, fence):
                self._stack.apply_to_last_copy(fence)
            else:
                self._stack.apply_by_fork(fence, join)
            return How.FORKED, (), NOTHING
        except ShellGone as error:
            if not self._stack.live.alive:
                raise
            raise Refused(f"{fence.kind}: a bash that is inside ends at once") from error
        except KernelError as error:
            if not error.call.startswith("ptrace"):
                raise explained(error, fence.kind, self._state.pid) from error
            reason = ptrace_refusal(self._state.pid)
            notes, transferred = self._respawn(fence, join)
            return How.RESPAWNED, (reason, *notes), transferred

    def _takes_a_new_bash(self, fence: Fence) -> bool:
        live = self._state.settings.live
        return not live or bool(placement.must_stay_above(self._stack, fence))

    # -- respawn -------------------------------------------------------------------------

    def _respawn(
        self, fence: Fence, join: OpenNamespace | None
    ) -> tuple[tuple[str, ...], Transferred]:
        """Start a new bash inside the fences that are applied and another one."""
        self.require_respawnable(f"fence {fence.kind}", force=False)
        above = placement.must_stay_above(self._stack, fence)
        below = [Wanted(each.fence) for each in self._stack.applied if each not in above]
        wanted = [*below, Wanted(fence, join), *(Wanted(each.fence) for each in above)]
        try:
            return respawn(self._state, self._stack, wanted, self._stack.transfer)
        except KernelError as error:
            raise explained(error, fence.kind, self._state.pid) from error

    def require_respawnable(self, command: str, *, force: bool) -> tuple[str, ...]:
        """Raise Refused if a new bash would end jobs; return them if that is forced."""
        self._state.require_idle()
        old = [*self._stack.parked, self._stack.live]
        return self.lost_jobs(old, command, force=force)

    def lost_jobs(self, shells: list[Shell], command: str, *, force: bool) -> tuple[str, ...]:
        """Return the jobs that end with ``shells``; raise Refused unless that is forced."""
        jobs = [_named(pid) for pid in self._stack.came_from(shells)]
        if jobs and not force:
            count = "the job" if len(jobs) == 1 else f"{len(jobs)} jobs:"
            them = "it" if len(jobs) == 1 else "them"
            fix = f"wait for {them}" + (
                f", or {command} --force" if command.startswith("peel") else ""
            )
            raise Refused(f"{command} would end {count} {', '.join(jobs)}", fix)
        return tuple(jobs)

    def _earlier_processes(self) -> list[str]:
        parked = {shell.pid for shell in self._stack.parked}
        return [_named(pid) for pid in running(self._state.pid) if pid not in parked]

    # -- facts ---------------------------------------------------------------------------

    def change(self, verb: str, kind: str, how: How, *, before: ShellIdentity) -> Change:
        """Return what has changed of a layer, re-read from the kernel."""
        layer = REGISTRY[kind]
        mine, host = layer.fact(self._state.pid), layer.fact("self")
        is_namespace = isinstance(mine, NamespaceId) or isinstance(host, NamespaceId)
        return Change(
            verb, kind, how, before, self._stack.live.identity,
            namespace=mine if isinstance(mine, NamespaceId) else None,
            host=host if isinstance(host, NamespaceId) else None,
            state=None if is_namespace else layer.describe(mine, other=host),
        )  # fmt: skip

    def shows(self, change: Change, fence: Fence) -> bool | None:
        """Tell whether the kernel shows a fence after a change; None: it never does."""
        if change.host is not None:
            return fence.fenced(change.namespace, change.host)
        return self._stack.applied.observed(fence, self._state.pid)


def _named(pid: int) -> str:
    """Return a process as the user knows it: its command, and its PID on the host."""
    words = procfs.arguments(pid)
    return f"{' '.join(words) if words else '?'} ({pid})"
