"""The fences that are namespaces: how a process moves into one, and with which privileges."""

from __future__ import annotations

import os
from abc import ABC
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, ClassVar

from shellplay.errors import KernelError, Refused
from shellplay.fences.base.fence import Fence, option
from shellplay.fences.base.target import MadeBy, OpenNamespace, Stage, Target
from shellplay.kernel import constants as k
from shellplay.kernel import namespaces, procfs
from shellplay.kernel.procfs import Status
from shellplay.model import How, NamespaceId


@contextmanager
def hold_namespace(pid: int, space: str) -> Iterator[OpenNamespace]:
    """Hold a namespace of a process for the ``with`` block."""
    fd = namespaces.open_namespace(pid, space)
    try:
        yield OpenNamespace(fd, f"/proc/{pid}/ns/{space}")
    finally:
        os.close(fd)


if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller
    from shellplay.shell.fork_plan import ForkPlan


class Namespace(Fence, ABC):
    """A fence that is a namespace of its own, see namespaces(7).

    ``space`` is the kind of the namespace.  ``clone_takes_it`` tells whether clone(2) makes
    it for the copy.  ``blind`` tells that neither ``unshare`` nor ``configure`` needs a
    fact or a result: their calls go together.
    """

    stage = Stage.NAMESPACE
    made_by = MadeBy.BASH
    how_in_place = How.IN_PLACE
    space: ClassVar[str]
    opened_by: ClassVar[str | None] = "user"
    clone_takes_it: ClassVar[bool] = True
    blind: ClassVar[bool] = False

    join: str | None = option(
        "share the namespace of another container", host=None, metavar="CONTAINER", default=None
    )

    def __init_subclass__(
        cls, kind: str | None = None, man: str = "", aliases: tuple[str, ...] = ()
    ) -> None:
        super().__init_subclass__(kind, man, aliases)
        if kind is not None and "space" not in vars(cls):
            cls.space = kind

    @property
    def flag(self) -> int:
        """Its CLONE_NEW* bit."""
        return namespaces.CLONE_FLAGS[self.space]

    def outside(self) -> AbstractContextManager[OpenNamespace]:
        """Hold the namespace outside, for the block: the one to go back to."""
        return hold_namespace(os.getpid(), self.space)

    @classmethod
    def fact(cls, pid: int | str) -> Hashable | None:
        """Return the namespace that a process is in, None if it cannot be read."""
        return namespaces.identify(pid, cls.kind)

    @classmethod
    def unsupported(cls) -> str | None:
        """Say why this kernel cannot have it."""
        if namespaces.supported(cls.space):
            return None
        return f"this kernel has no {cls.space} namespaces"

    def permitted(self, status: Status) -> bool:
        """Tell whether a process may make one: with CAP_SYS_ADMIN, see unshare(2)."""
        return bool(status.effective >> k.CAP_SYS_ADMIN & 1)

    # -- in ------------------------------------------------------------------------------

    def apply(self, target: Target) -> None:
        """Move a process into a new namespace and configure that, or into an existing one."""
        if target.join is None:
            with target.caller.together() if self.blind else nullcontext():
                self.unshare(target.caller)
                self.configure(target.caller)
        else:
            self.enter(target.caller, target.join.fd, of=target.join.of)

    def apply_in_place(self, target: Target) -> None:
        """Move a live bash; if that fails half-way it goes back."""
        before = namespaces.identify(target.pid, self.space)
        path = self._directory_to_keep(target.caller)
        try:
            self.apply(target)
        except (KernelError, Refused, OSError):
            if namespaces.identify(target.pid, self.space) != before:
                with self.outside() as outside:
                    self._leave(target.caller, outside)
                return_to(target.caller, path)
            raise

    def apply_to_stub(self, target: Target) -> Caller:
        """Move a stub; return the process that is inside: a child, if only that can be."""
        if not self.by_fork:
            return super().apply_to_stub(target)
        stub, join = target.caller, target.join
        if join is not None:
            self.enter(stub, join.fd, of=join.of)
        with stub.forked(self.flag if join is None else 0) as (copy, _):
            self.configure(copy)
        return copy

    def fork_plan(self, target: Target) -> ForkPlan:
        """Have clone(2) make the namespace if it can; otherwise the copy moves itself."""
        from shellplay.shell.fork_plan import ForkPlan

        join = target.join
        if join is None and self.clone_takes_it:
            return ForkPlan(self.flag, self.configure)
        if join is None or not self.by_fork:
            return super().fork_plan(target)

        # setns(2) to a pid namespace is about later children only, and bash may not be let
        # back: a copy in between calls it, forks with CLONE_PARENT and ends.
        def enter(between: Caller) -> None:
            self.enter(between, join.fd, of=join.of)

        return ForkPlan(0, lambda _: None, by_way_of=enter)

    def unshare(self, caller: Caller) -> None:
        """Move the caller itself into a new namespace, unshare(2)."""
        caller.unshare(self.flag)

    def configure(self, caller: Caller) -> None:
        """Set up the new namespace, from inside it."""

    def enter(self, caller: Caller, fd: int, *, of: str) -> None:
        """Move the caller itself into the namespace behind our descriptor, setns(2)."""
        path = self._directory_to_keep(caller)
        with caller.passed(fd) as number:
            caller.setns(number, self.flag, of=of)
        return_to(caller, path)

    def _directory_to_keep(self, caller: Caller) -> str | None:
        """Return the working directory, None if a move between namespaces keeps it."""
        # setns(2) to a mount namespace sets root and working directory to its root.
        return working_directory(caller) if self.space == "mnt" else None

    # -- out -----------------------------------------------------------------------------

    def removable(self, status: Status) -> bool:
        """Tell whether a process may join its present namespace again."""
        return not self.one_way and may_join(status, namespaces.owners(status.pid, self.space))

    def may_leave(self, status: Status) -> bool:
        """Tell whether a process inside may join the namespace outside."""
        return may_join(status, namespaces.owners("self", self.space))

    def stays_below_restrictions(self, status: Status) -> bool:
        """Tell that restrictions come after it: they may take what it needs.

        And a new user namespace comes with all capabilities.
        """
        return True

    def remove(self, target: Target) -> None:
        """Move a process back to the namespace outside."""
        with self.outside() as outside:
            self._leave(target.caller, outside)

    def _leave(self, caller: Caller, outside: OpenNamespace) -> None:
        # Not by ``enter``, which a fence may extend by what belongs to its own namespace.
        Namespace.enter(self, caller, outside.fd, of=outside.of)


def may_join(status: Status, owners: tuple[NamespaceId, ...]) -> bool:
    """Tell whether a process may join a namespace; ``owners`` are those above it."""
    # setns(2) takes CAP_SYS_ADMIN over the user namespace that owns the namespace to join;
    # a process has capabilities over its own user namespace and those below it only.
    if not status.effective >> k.CAP_SYS_ADMIN & 1:
        return False
    return namespaces.identify(status.pid, "user") in owners


def working_directory(caller: Caller) -> str:
    """Return the caller's working directory as the host sees it."""
    return procfs.working_directory(caller.pid)


def return_to(caller: Caller, path: str | None) -> None:
    """Go to a directory, if there is one to go to; otherwise stay at the root."""
    if path is None:
        return
    try:
        caller.chdir(path)
    except KernelError:
        caller.chdir("/")
