"""Where in the stack of bashes a new fence goes, and which fences come before it."""

from __future__ import annotations

from shellplay.container.applied import AppliedFence
from shellplay.container.stack import ShellStack
from shellplay.errors import Refused
from shellplay.fences import Fence
from shellplay.fences.base.target import Stage
from shellplay.fences.root import Root
from shellplay.kernel.process_tree import running
from shellplay.kernel.procfs import Status
from shellplay.model import How


def must_stay_above(stack: ShellStack, fence: Fence) -> list[AppliedFence]:
    """Return the fences that have to be above a new one, in their order."""
    if fence.stage is Stage.NAMESPACE and _belongs_below_pid(stack, fence):
        within = [each for each in stack.applied if "pid" in each.fence.needs]
        return [stack.applied.get("pid"), *within, *stack.applied.restrictions]
    restrictions = stack.applied.restrictions
    if restrictions and fence.stays_below_restrictions(stack.live.status):
        return restrictions
    return []


def reuses_last_fork(stack: ShellStack, fence: Fence) -> bool:
    """Tell whether a one-way fence is applied to the copy that lives, without a new fork.

    A bash that forks inside a pid fence is no longer number 1; and the bash that is suspended
    outside of that is the way back from both.
    """
    return fence.stage is not Stage.NAMESPACE and _is_alone_as_number_1(stack)


def require_applicable(stack: ShellStack, fence: Fence) -> None:
    """Raise Refused if a fence is applied already, or the host is like that by itself."""
    if fence.kind in stack.applied:
        raise Refused(f"{fence.kind} is fenced already", f"peel {fence.kind}, first")
    if (reason := fence.unsupported()) is not None:
        raise Refused(reason)
    if fence.observed("self"):
        raise Refused(f"{fence.kind}: the host is like that already, so nothing is fenced")
    _require_mounts_in_sight(stack, fence)


def _require_mounts_in_sight(stack: ShellStack, fence: Fence) -> None:
    """Raise Refused if mounts of a fence are not in the tree of another container."""
    if not isinstance(fence, Root) or fence.join is None:
        return
    mounted = [each.fence.kind for each in stack.applied.of(Stage.MOUNT)]
    if mounted:
        stand = "stands" if len(mounted) == 1 else "stand"
        raise Refused(
            f"{', '.join(mounted)} {stand} here, and not in the tree of {fence.join}",
            f"peel {mounted[-1]}, first",
        )


def require_a_way_back(stack: ShellStack, applied: AppliedFence, label: str) -> None:
    """Raise Refused, with the fix, if no bash could go on without a fence."""
    kind = applied.fence.kind
    place = stack.outside([applied])
    if place >= len(stack.parked):
        raise Refused(
            f"bash has given up what it takes to leave {kind}, and none is parked outside",
            f"stop {label}, and new",
        )
    outside = stack.parked[place]
    if not outside.alive:
        raise Refused(
            f"the bash {outside.pid} that was parked outside has ended: no way back",
            f"stop {label}, and new",
        )
    require_all_permitted(stack, applied, outside.status)


def require_all_permitted(stack: ShellStack, applied: AppliedFence, status: Status) -> None:
    """Raise Refused if a process of this status may not apply the fences above one again."""
    kind = applied.fence.kind
    above = [
        each.fence.kind
        for each in stack.applied.above(kind)
        if each.fence.opened_by == kind or each.fence.opened_by not in stack.applied
        if not each.fence.permitted(status)
    ]
    if above:
        stand = "stands" if len(above) == 1 else "stand"
        raise Refused(
            f"{', '.join(above)} {stand} inside {kind}: without it bash lacks CAP_SYS_ADMIN",
            f"peel {above[-1]}, first; or peel all",
        )


def _belongs_below_pid(stack: ShellStack, fence: Fence) -> bool:
    # A bash that forks inside a pid fence is no longer number 1, and not alone there: the
    # suspended bash shows.  As long as no other process lives in there, pid can be applied
    # last, if a bash is suspended outside of it: none is if bash was started inside.
    # Not so for user: a namespace that was made outside of it does not belong to it.
    return (
        _is_alone_as_number_1(stack)
        and fence.kind != "user"
        and not any(each.fence.stage is Stage.NAMESPACE for each in stack.applied.above("pid"))
        and not fence.removable(stack.live.status)
    )


def _is_alone_as_number_1(stack: ShellStack) -> bool:
    pid = stack.applied.find("pid")
    return (
        pid is not None
        and pid.how is How.FORKED
        and stack.live.status.pids[-1] == 1
        and not running(stack.live.pid)
    )
