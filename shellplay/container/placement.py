"""Where in a stack a new fence goes: below some of those that stand, or on a fork of theirs."""

from __future__ import annotations

from shellplay.container import apply
from shellplay.container.applied import AppliedFence
from shellplay.container.stack import ShellStack
from shellplay.errors import Refused
from shellplay.fences import Fence, MountOver, Namespace, Restriction
from shellplay.fences.root import Root
from shellplay.kernel.process_tree import running
from shellplay.kernel.procfs import Status
from shellplay.model import How


def over(stack: ShellStack, fence: Fence) -> list[AppliedFence]:
    """Return the fences that have to be above a new one, in their order.

    Behind restrictions bash lacks what others need, or they would not outlast the other: a
    new user namespace comes with all capabilities.
    """
    restrictions = stack.standing.restrictions()
    match fence:
        case Namespace() if _belongs_below_pid(stack, fence):
            within = [each for each in stack.standing if "pid" in each.fence.needs]
            return [stack.standing.get("pid"), *within, *restrictions]
        case Namespace():
            return restrictions
        case Restriction() if not fence.permitted(stack.live.status):
            return restrictions
    return []


def shares_the_fork(stack: ShellStack, fence: Fence) -> bool:
    """Tell whether a one-way fence goes up around the copy that lives, without a new fork.

    A bash that forks inside a pid fence is no longer number 1; and who waits outside of
    that is the way back from both.
    """
    return _is_alone_as_number_1(stack) and not isinstance(fence, Namespace)


def require_still_seen(stack: ShellStack, fence: Fence) -> None:
    """Raise Refused if what is mounted would not be seen in the tree of another container."""
    if not isinstance(fence, Root) or fence.join is None:
        return
    mounted = [each.fence.kind for each in stack.standing if isinstance(each.fence, MountOver)]
    if mounted:
        stand = "stands" if len(mounted) == 1 else "stand"
        raise Refused(
            f"{', '.join(mounted)} {stand} here, and not in the tree of {fence.join}",
            f"peel {mounted[-1]}, first",
        )


def require_a_way_back(stack: ShellStack, standing: AppliedFence, label: str) -> None:
    """Raise Refused, with the fix, if no bash could go on without a fence that stands."""
    kind = standing.fence.kind
    place = stack.outside([standing])
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
    require_all_permitted(stack, standing, outside.status)


def require_all_permitted(stack: ShellStack, standing: AppliedFence, status: Status) -> None:
    """Raise Refused if one of such a status may not put up again what stands above a fence."""
    kind = standing.fence.kind
    above = [
        each.fence.kind
        for each in stack.standing.above(kind)
        if each.fence.opened_by == kind or each.fence.opened_by not in stack.standing
        if not each.fence.permitted(status)
    ]
    if above:
        stand = "stands" if len(above) == 1 else "stand"
        raise Refused(
            f"{', '.join(above)} {stand} inside {kind}: without it bash lacks CAP_SYS_ADMIN",
            f"peel {above[-1]}, first; or peel all",
        )


def _belongs_below_pid(stack: ShellStack, fence: Fence) -> bool:
    # A bash that forks inside a pid fence is no longer number 1, and not alone: the parked
    # one shows.  As long as nothing else lives in there, pid can come last, if somebody waits
    # outside of it: nobody does if the bash was started inside.
    # Not so for user: what was made outside of it is not owned by it.
    return (
        _is_alone_as_number_1(stack)
        and fence.kind != "user"
        and not any(isinstance(each.fence, Namespace) for each in stack.standing.above("pid"))
        and not apply.comes_off_in_place(stack.live, fence)
    )


def _is_alone_as_number_1(stack: ShellStack) -> bool:
    pid = stack.standing.find("pid")
    return (
        pid is not None
        and pid.how is How.FORKED
        and stack.live.status.pids[-1] == 1
        and not running(stack.live.pid)
    )
