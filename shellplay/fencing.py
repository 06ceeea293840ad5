"""How fences go up around a container's bash, and come off: the rule.

A fence goes on in place if it can come off in place; otherwise the bash forks, and the
original waits outside, parked.  Where ptrace is refused, or ``set live off``, a new bash
is started inside and gets the state of the old one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from shellplay.errors import KernelError, Refused, ShellplayError
from shellplay.fences import KINDS, Fence, put
from shellplay.fences.put import Joined, joined
from shellplay.fences.user import User
from shellplay.kernel import namespaces, procfs
from shellplay.kernel.descendants import running
from shellplay.kernel.reasons import explained, ptrace_refusal
from shellplay.model import Change, FenceRecord, How, NamespaceId, ShellIdentity
from shellplay.processes import sees_the_hosts_proc
from shellplay.shell.carry import Carried
from shellplay.shell.shell import Shell
from shellplay.stack import Stack, named
from shellplay.standing import Standing

if TYPE_CHECKING:
    from shellplay.container import Container

USER_FIRST = "an ordinary user needs a user fence for it, so that went up first"
# What to say of processes that were there before a fence.
EARLIER = {
    How.IN_PLACE: "already there, and outside of it",
    How.FORKED: "stays outside with the parked bash, and is its job again after a peel",
}
PID_LAST = "pid came off and went up again around it, so that bash is still number 1"
NO_WAY_BACK = "bash could not turn back from it to fork, so a new one was started inside"
HOSTS_PROC = "ps inside reads /proc, and that is still the host's"
NOTHING = Carried((), ())


class Fencing:
    """The fences of one container, which is attended while a method runs."""

    def __init__(self, container: Container) -> None:
        self._box = container
        self._stack = Stack(container)

    # -- looking -------------------------------------------------------------------------

    def records(self) -> list[FenceRecord]:
        """Return one record for each layer, namespaces re-read from the kernel."""
        host = namespaces.identities("self")
        mine = dict.fromkeys(KINDS) if self._box.dead else namespaces.identities(self._box.pid)
        return [self._record(kind, host[kind], mine[kind]) for kind in KINDS]

    def kinds(self) -> list[str]:
        """Return the kinds of the fences that were put up, in that order."""
        return [each.fence.kind for each in self._stack.standing]

    def _record(
        self, kind: str, host: NamespaceId | None, mine: NamespaceId | None
    ) -> FenceRecord:
        up = mine is not None and mine != host
        standing = self._stack.standing.find(kind) if up else None
        return FenceRecord(
            fence=kind,
            up=up,
            how=standing.how if standing else None,
            host=host.inode if host else None,
            shell=mine.inode if mine else None,
            peel=self._how_it_comes_off(standing) if standing else None,
            options=standing.fence.given() if standing else {},
            shared_with=self._box.sharers(mine) if up and mine else (),
        )

    def _how_it_comes_off(self, standing: Standing) -> str:
        match standing.how:
            case How.IN_PLACE:
                return "in place"
            case How.FORKED:
                outside = self._stack.parked[standing.depth - 1]
                return f"wakes the parked bash {outside.pid}"
        return "starts a new bash"

    # -- up ------------------------------------------------------------------------------

    def fence(self, fence: Fence) -> Change:
        """Put a fence up, with ``user`` before it if bash may not do it otherwise."""
        self._box.require_alive()
        if fence.kind in self._stack.standing:
            raise Refused(f"{fence.kind} is fenced already", f"peel {fence.kind}, first")
        if not namespaces.supported(fence.kind):
            raise Refused(f"this kernel has no {fence.kind} namespaces")
        with self._joined(fence) as join:
            first = self._user_first(fence)
            change = self._put(fence, join)
        before = (USER_FIRST,) if first else ()
        notes = (*before, *change.notes, *self._about_proc(fence.kind))
        return replace(change, first=first, notes=notes)

    @contextmanager
    def _joined(self, fence: Fence) -> Iterator[Joined | None]:
        if fence.join is None:
            yield None
            return
        other = self._box.find(fence.join)
        other.require_alive()
        mine, its = (namespaces.identify(pid, fence.kind) for pid in (self._box.pid, other.pid))
        if mine == its:
            raise Refused(f"{other.label} has the same {fence.kind} namespace already")
        with joined(other.pid, fence.kind) as join:
            yield join

    def _user_first(self, fence: Fence) -> tuple[Change, ...]:
        has_privileges = self._stack.live.has_sys_admin()
        if fence.kind == "user" or has_privileges or "user" in self._stack.standing:
            return ()
        user = User(join=fence.join)
        with self._joined(user) as join:
            return (self._put(user, join),)

    def _put(self, fence: Fence, join: Joined | None) -> Change:
        before = self._stack.live.identity
        earlier = self._earlier_processes()
        how, notes, carried = self._put_somehow(fence, join)
        notes += self._stack.fit_proc()
        if earlier and how in EARLIER:
            notes += (f"{EARLIER[how]}: {', '.join(earlier)}",)
        change = self._change("fence", fence.kind, how, before=before)
        if change.namespace is None or change.namespace == change.host:
            raise ShellplayError(f"the kernel does not show a new {fence.kind} namespace")
        return replace(change, notes=notes, carried=carried.carried, left=carried.failed)

    def _put_somehow(
        self, fence: Fence, join: Joined | None
    ) -> tuple[How, tuple[str, ...], Carried]:
        if not self._box.settings.live:
            return How.RESPAWNED, *self._put_on_new_bash(fence, join)
        if (
            join is not None
            and fence.by_fork
            and not put.may_return(self._stack.live, fence.kind)
        ):
            notes, carried = self._put_on_new_bash(fence, join)
            return How.RESPAWNED, (NO_WAY_BACK, *notes), carried
        try:
            if not fence.one_way and put.comes_off_in_place(self._stack.live, fence.kind):
                self._stack.put_in_place(fence, join)
                return How.IN_PLACE, (), NOTHING
            return How.FORKED, *self._put_by_fork(fence, join)
        except KernelError as error:
            if not error.call.startswith("ptrace"):
                raise explained(error, fence.kind, self._box.pid) from error
            reason = ptrace_refusal(self._box.pid)
            notes, carried = self._put_on_new_bash(fence, join)
            return How.RESPAWNED, (reason, *notes), carried

    def _put_by_fork(
        self, fence: Fence, join: Joined | None
    ) -> tuple[tuple[str, ...], Carried]:
        self._box.require_idle()
        if not self._belongs_below_pid(fence):
            self._stack.put_on_copy(fence, join)
            return (), NOTHING
        with self._stack.keys_wait():
            state = self._stack.dump()
            pid = self._stack.standing.get("pid")
            self._stack.step_back(pid, lambda fence, pin: self._put(fence, pin))
            self._put(fence, join)
            notes = self._put(pid.fence, None).notes
            return (PID_LAST, *notes), self._stack.carry(state)

    def _belongs_below_pid(self, fence: Fence) -> bool:
        # A bash that forks inside a pid fence is no longer number 1, and not alone: the
        # parked one shows.  As long as nothing else lives in there, pid can come last, if
        # somebody waits outside of it: nobody does if the bash was started inside.
        # Not so for user: what was made outside of it is not owned by it.
        live = self._stack.live
        pid = self._stack.standing.find("pid")
        return (
            pid is not None
            and pid.how is How.FORKED
            and fence.kind != "user"
            and not self._stack.standing.above("pid")
            and live.status.pids[-1] == 1
            and not running(live.pid)
        )

    def _put_on_new_bash(
        self, fence: Fence, join: Joined | None
    ) -> tuple[tuple[str, ...], Carried]:
        self._require_respawnable(f"fence {fence.kind}")
        standing = [(each.fence, None) for each in self._stack.standing]
        try:
            return self._stack.respawn([*standing, (fence, join)])
        except KernelError as error:
            raise explained(error, fence.kind, self._box.pid) from error

    # -- down ----------------------------------------------------------------------------

    def peel(self, kind: str, *, force: bool) -> Change:
        """Take one fence off; fences above a one-way one are put back on."""
        self._box.require_alive()
        standing = self._stack.standing.get(kind)
        before = self._stack.live.identity
        notes: tuple[str, ...] = ()
        carried = NOTHING
        match standing.how:
            case How.IN_PLACE if put.may_return(self._stack.live, kind):
                self._stack.take_off(kind)
            case How.IN_PLACE | How.FORKED:
                carried = self._wake_below(standing, force=force)
            case _:
                self._require_respawnable(f"peel {kind}")
                rest = [s.fence for s in self._stack.standing if s is not standing]
                notes, carried = self._stack.respawn([(fence, None) for fence in rest])
        notes += self._stack.fit_proc() + self._about_proc(kind)
        change = self._change("peel", kind, standing.how, before=before)
        if change.namespace != change.host:
            raise ShellplayError(f"the kernel still shows another {kind} namespace")
        return replace(change, notes=notes, carried=carried.carried, left=carried.failed)

    def peel_all(self, *, force: bool) -> list[Change]:
        """Take all fences off, the last one first."""
        self._box.require_alive()
        return [self.peel(kind, force=force) for kind in reversed(self.kinds())]

    def fall_back(self) -> None:
        """Wake the bash below the live one, which has ended."""
        self._stack.fall_back()

    def _wake_below(self, standing: Standing, *, force: bool) -> Carried:
        self._box.require_idle()
        self._require_possible_without(standing)
        doomed = self._stack.doomed_by(standing)
        left = self._lost_jobs(doomed, f"peel {standing.fence.kind}", force=force)
        left += _open_files(self._stack.live, but=self._stack.woken_by(standing))
        with self._stack.keys_wait():
            state = self._stack.dump()
            self._stack.step_back(standing, lambda fence, pin: self._put(fence, pin))
            carried = self._stack.carry(state)
        return Carried(carried.carried, (*left, *state.stays, *carried.failed))

    def _require_possible_without(self, standing: Standing) -> None:
        outside = self._stack.parked[standing.depth - 1]
        if not outside.alive:
            raise Refused(
                f"the bash {outside.pid} that was parked outside has ended: no way back",
                f"stop {self._box.label}, and new",
            )
        above = [each.fence.kind for each in self._stack.standing.above("user")] if (
            standing.fence.kind == "user"
        ) else []  # fmt: skip
        if above and not outside.has_sys_admin():
            stand = "stands" if len(above) == 1 else "stand"
            raise Refused(
                f"{', '.join(above)} {stand} inside user: without it bash lacks CAP_SYS_ADMIN",
                f"peel {above[-1]}, first; or peel all",
            )

    def _require_respawnable(self, what: str) -> None:
        self._box.require_idle()
        old = [*self._stack.parked, self._stack.live]
        self._lost_jobs(old, what, force=False)

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
        if changed not in ("pid", "mnt") or "pid" not in up:
            return ()
        if not sees_the_hosts_proc(self._box.pid):
            return ()
        return (HOSTS_PROC if "mnt" in up else f"{HOSTS_PROC} (fence mnt gives a fresh one)",)

    # -- facts ---------------------------------------------------------------------------

    def _change(self, verb: str, kind: str, how: How, *, before: ShellIdentity) -> Change:
        return Change(
            verb, kind, how, before, self._stack.live.identity,
            namespace=namespaces.identify(self._box.pid, kind),
            host=namespaces.identify("self", kind),
        )  # fmt: skip

    def _earlier_processes(self) -> list[str]:
        parked = {shell.pid for shell in self._stack.parked}
        return [named(pid) for pid in running(self._box.pid) if pid not in parked]


def _open_files(shell: Shell, *, but: Shell) -> tuple[str, ...]:
    """Name what a shell has open and another, which may be its original, has not."""
    own, there = {0, 1, 2, 255}, procfs.fds(but.pid)
    return tuple(
        f"fd {n} ({to})"
        for n, to in procfs.fds(shell.pid).items()
        if n not in own and there.get(n) != to
    )
