"""The fences that are namespaces: how a process moves into one, and who may."""

from __future__ import annotations

import os
from abc import ABC
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, ClassVar

from shellplay.errors import KernelError
from shellplay.fences.base.fence import Fence, option
from shellplay.fences.base.target import OpenNamespace
from shellplay.kernel import constants as k
from shellplay.kernel import namespaces, procfs
from shellplay.kernel.procfs import Status


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


class Namespace(Fence, ABC):
    """A fence that is a namespace of its own, see namespaces(7).

    ``space`` is the kind of that, ``clone_takes_it`` tells whether a fork can make it for
    the copy.
    """

    space: ClassVar[str]
    opened_by: ClassVar[str | None] = "user"
    clone_takes_it: ClassVar[bool] = True

    join: str | None = option(
        "share the namespace of another container", metavar="CONTAINER", default=None
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
        """Hold the namespace to go back to when it comes off."""
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

    def apply(self, caller: Caller) -> None:
        """Move the caller itself into a new namespace, and furnish that."""
        self.unshare(caller)
        self.configure(caller)

    def unshare(self, caller: Caller) -> None:
        """Move the caller itself into a new namespace."""
        caller.unshare(self.flag)

    def configure(self, caller: Caller) -> None:
        """Furnish the new namespace, from inside it."""

    def enter(self, caller: Caller, fd: int, *, of: str) -> None:
        """Move the caller itself into the existing namespace behind our descriptor."""
        path = working_directory(caller)
        with caller.passed(fd) as number:
            caller.setns(number, self.flag, of=of)
        if self.space == "mnt":
            # Joining a mount namespace resets root and working directory to its root.
            return_to(caller, path)


def working_directory(caller: Caller) -> str:
    """Return the caller's working directory as the host sees it."""
    return procfs.working_directory(caller.pid)


def return_to(caller: Caller, path: str) -> None:
    """Go to a directory if it is there; otherwise stay at the root."""
    try:
        caller.chdir(path)
    except KernelError:
        caller.chdir("/")
