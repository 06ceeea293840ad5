"""The plan for a new process: which fences it gets, in which order, and which /proc."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from shellplay.container import user
from shellplay.container.state import ContainerState
from shellplay.container.user import Account
from shellplay.errors import Refused
from shellplay.fences import Fence, Namespace
from shellplay.fences.base.namespace import hold_namespace
from shellplay.fences.base.target import OpenNamespace, Stage
from shellplay.fences.pid import Pid
from shellplay.kernel.caller import Caller


class Wanted(NamedTuple):
    """A fence to apply, and the namespace to join for it, None for a new one."""

    fence: Fence
    join: OpenNamespace | None = None


class Plan:
    """The fences of a new process, in the order in which they are applied.

    Namespaces come first, then a fresh /proc and the mounts, then limits and restrictions:
    a restriction may take the privileges that the others need.  Within a stage the order is
    that of ``fences``.
    """

    def __init__(self, fences: Iterable[Fence]) -> None:
        self.fences = tuple(fences)

    def __contains__(self, kind: object) -> bool:
        return any(each.kind == kind for each in self.fences)

    def of(self, *stages: Stage) -> list[Fence]:
        """Return the fences of some stages."""
        return [each for each in self.fences if each.stage in stages]

    @property
    def fresh_proc(self) -> bool:
        """Whether a /proc has to be mounted for it to show the processes inside.

        Without mnt the mount would show on the host.  Below a new root /proc may be another
        one than that of the host.
        """
        if "mnt" not in self:
            return False
        pid = next((each for each in self.fences if isinstance(each, Pid)), None)
        return pid.proc if pid is not None else "root" in self


def restrict(
    fences: Sequence[Fence],
    caller: Caller,
    account: Account | None,
    apply: Callable[[Fence], None],
) -> None:
    """Apply the limits and restrictions of a plan, each by ``apply``.

    The process becomes ``account``, if that is not None, before its capabilities go.
    """
    last = [each for each in fences if account is not None and each.after_user]
    for each in fences:
        if each not in last:
            apply(each)

    def drop() -> None:
        for each in last:
            apply(each)

    if account is not None:
        user.assume(caller, account, drop if last else None)


@contextmanager
def peer_namespace(
    state: ContainerState, fence: Fence, pid: int | None = None
) -> Iterator[OpenNamespace | None]:
    """Hold the namespace that a fence shares with another container, None for a new one.

    Raises Refused if the process ``pid`` is in that namespace already.
    """
    if not isinstance(fence, Namespace) or fence.join is None:
        yield None
        return
    other = state.find_peer(fence.join)
    other.require_alive()
    if pid is not None and fence.fact(pid) == fence.fact(other.pid):
        raise Refused(f"{other.label} has the same {fence.kind} namespace already")
    with hold_namespace(other.pid, fence.space) as join:
        yield join
