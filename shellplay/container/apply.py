"""Carry out a plan: move a stub into namespaces, and have /proc show what is inside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from shellplay.container.plan import Plan
from shellplay.errors import KernelError
from shellplay.fences import Fence
from shellplay.fences.base.target import Target
from shellplay.kernel import constants as k
from shellplay.kernel import mount as mount_calls
from shellplay.kernel import mountinfo, procfs
from shellplay.kernel.caller import Caller
from shellplay.kernel.namespaces import identify
from shellplay.kernel.stub import Stub

PROC = "/proc"


def enter(fence: Fence, target: Target) -> Stub:
    """Move a stub into a namespace; return the stub that is inside.

    Where only a child can be inside, that is another one, and the first has ended.
    """
    stub, inside = target.caller, fence.apply_to_stub(target)
    assert isinstance(stub, Stub)
    assert isinstance(inside, Stub)
    if inside is not stub:
        # The child is reparented to the monitor, a subreaper, like every bash.
        stub.quit()
    return inside


def refresh_proc(
    plan: Plan, pid: int, caller: Callable[[], AbstractContextManager[Caller]]
) -> tuple[str, ...]:
    """Have the /proc of a process show what is inside; return sentences about it.

    ``caller`` is asked for only if something has to be mounted or unmounted.
    """
    if "mnt" not in plan or sees_itself(pid):
        return ()
    # More than one where a proc fence lies over the fresh one of a bash that has ended.
    stale = proc_mounts(pid) - _proc_mounts_of_the_host(plan)
    if not plan.fresh_proc and stale <= 0:
        return ()
    try:
        with caller() as calls:
            for _ in range(stale):
                unmount_proc(calls)
            if plan.fresh_proc:
                mount_proc(calls)
    except KernelError as error:
        return (f"/proc still shows other processes: {error.message}",)
    shown = "inside" if "pid" in plan else "of the host"
    return (f"/proc is fresh: it shows the processes {shown}",) if plan.fresh_proc else ()


def sees_itself(pid: int) -> bool:
    """Tell whether the /proc that a process sees is that of its own PID namespace."""
    own = identify(pid, "pid")
    if own is None:
        return False
    if own == identify("self", "pid"):
        number = pid  # It has no other PID than the one that this process knows.
    elif (status := procfs.status(pid)) is not None:
        number = status.pids[-1]
    else:
        return False
    return own == identify(f"{pid}/root/proc/{number}", "pid")


def proc_mounts(pid: int | str) -> int:
    """Count the proc file systems that are mounted on /proc, one over the other."""
    mounts = mountinfo.mounts_below(pid, PROC)
    return sum(mount.point == PROC and mount.kind == "proc" for mount in mounts)


def _proc_mounts_of_the_host(plan: Plan) -> int:
    """Return how many of the proc file systems on /proc are not made by us.

    The host may have several over each other; a container root has a copy of the topmost.
    """
    ours = proc_mounts("self")
    return min(1, ours) if "root" in plan else ours


def mount_proc(caller: Caller) -> None:
    """Mount a /proc of the caller's own PID namespace over the one it sees."""
    caller.mount("proc", PROC, "proc", mount_calls.QUIET)


def unmount_proc(caller: Caller) -> None:
    """Unmount the topmost /proc."""
    caller.umount2(PROC, k.MNT_DETACH)


def sees_the_hosts_proc(pid: int) -> bool:
    """Tell whether a process sees the /proc of this process, so that ps there shows us."""
    ours, theirs = _proc_device("self"), _proc_device(pid)
    return ours is not None and ours == theirs


def _proc_device(pid: int | str) -> str | None:
    points = [mount for mount in mountinfo.mounts_below(pid, PROC) if mount.point == PROC]
    return points[-1].device if points else None
