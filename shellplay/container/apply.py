"""Put a fence around a process, and take it off: the order of the calls.

A fence goes on in place if it can come off in place; otherwise the bash forks.  Each of
the three ways below starts a new namespace or joins an existing one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shellplay.container import user
from shellplay.container.user import Account
from shellplay.fences.base.fence import Fence
from shellplay.fences.base.limit import Limit
from shellplay.fences.base.mount_over import MountOver
from shellplay.fences.base.namespace import (
    Namespace,
    hold_namespace,
    return_to,
    working_directory,
)
from shellplay.fences.base.restriction import Restriction
from shellplay.fences.base.target import OpenNamespace, Target
from shellplay.fences.caps import Caps
from shellplay.kernel import constants as k
from shellplay.kernel import mount as mount_calls
from shellplay.kernel import mountinfo, procfs
from shellplay.kernel.caller import Caller
from shellplay.kernel.cgroup.group import Group
from shellplay.kernel.namespaces import CLONE_FLAGS, identify, owners
from shellplay.kernel.stub import Stub
from shellplay.shell.shell import Forked, Shell

PROC = "/proc"


def comes_off_in_place(shell: Shell, fence: Fence) -> bool:
    """Tell whether the shell could be without a new fence again, as it is now.

    setns(2) wants CAP_SYS_ADMIN over the user namespace that owns the namespace to join,
    and the shell has capabilities over its own one and those below it only.
    """
    if isinstance(fence, MountOver):
        return True  # and shell has no part in it
    if isinstance(fence, Limit):
        return fence.removable(shell.pid)
    if fence.one_way or not isinstance(fence, Namespace):
        return False
    with hold_namespace(shell.pid, fence.space) as here:
        return _may_join(shell, here)


def may_return(shell: Shell, fence: Namespace) -> bool:
    """Tell whether the shell can go back to the namespace outside by itself."""
    with fence.outside() as outside:
        return _may_join(shell, outside)


def _may_join(shell: Shell, wanted: OpenNamespace) -> bool:
    if not shell.has_sys_admin():
        return False
    return identify(shell.pid, "user") in owners(wanted.fd)


def in_place(fence: Fence, caller: Caller, join: OpenNamespace | None) -> None:
    """Move the process itself."""
    if join is None:
        assert isinstance(fence, Namespace)
        fence.apply(caller)
    else:
        _enter(fence, caller, join)


def around(fence: Fence, caller: Caller, group: Group) -> None:
    """Put a fence without a namespace around a process; ``group`` is of its container."""
    assert isinstance(fence, Limit | Restriction)
    fence.apply(Target(caller.pid, caller, group, ""))


def all_around(
    fences: Sequence[Fence],
    caller: Caller,
    who: Account | None,
    put_up: Callable[[Fence], None],
) -> None:
    """Put those fences around a process that are neither namespaces nor mounted.

    Each goes up by ``put_up``.  The process becomes ``who``, if that is not None, before its
    capabilities go.
    """
    wanted = [each for each in fences if not isinstance(each, Namespace | MountOver)]
    last = [each for each in wanted if who is not None and isinstance(each, Caps)]
    for each in wanted:
        if each not in last:
            put_up(each)

    def drop() -> None:
        for each in last:
            put_up(each)

    if who is not None:
        user.assume(caller, who, drop if last else None)


def by_fork(fence: Fence, join: OpenNamespace | None, group: Group) -> Forked:
    """Say how the bash forks so that its copy is inside the fence."""
    if not isinstance(fence, Namespace):
        return Forked(0, lambda copy: around(fence, copy, group))
    if join is None and fence.clone_takes_it:
        return Forked(fence.flag, fence.configure)
    if join is None or not fence.by_fork:
        return Forked(0, lambda copy: in_place(fence, copy, join))
    # Only children can be inside, and who turns its future children there may not be let
    # back: a copy does it, has the child in our place, and ends.
    return Forked(0, lambda _: None, by_way_of=lambda between: _enter(fence, between, join))


def on_stub(fence: Fence, stub: Stub, join: OpenNamespace | None) -> Stub:
    """Move a process that is going to become a bash; return the one that is inside."""
    assert isinstance(fence, Namespace)
    if not fence.by_fork:
        in_place(fence, stub, join)
        return stub
    if join is not None:
        _enter(fence, stub, join)
    with stub.forked(fence.flag if join is None else 0) as (copy, _):
        assert isinstance(copy, Stub)
        fence.configure(copy)
    # Its orphan comes to the playground process, as every bash is a child of that.
    stub.quit()
    return copy


def _enter(fence: Fence, caller: Caller, join: OpenNamespace) -> None:
    assert isinstance(fence, Namespace)
    fence.enter(caller, join.fd, of=join.of)


def take_off(space: str, caller: Caller, outside: OpenNamespace) -> None:
    """Move the process itself back to the namespace outside."""
    path = working_directory(caller)
    with caller.passed(outside.fd) as number:
        caller.setns(number, CLONE_FLAGS[space], of=outside.of)
    if space == "mnt":
        return_to(caller, path)


def sees_itself(pid: int) -> bool:
    """Tell whether the /proc that a process sees is that of its own PID namespace."""
    own, status = identify(pid, "pid"), procfs.status(pid)
    if own is None or status is None:
        return False
    return own == identify(f"{pid}/root/proc/{status.pids[-1]}", "pid")


def proc_mounts(pid: int | str) -> int:
    """Count the proc file systems that are mounted on /proc, one over the other."""
    mounts = mountinfo.mounts_below(pid, PROC)
    return sum(mount.point == PROC and mount.kind == "proc" for mount in mounts)


def mount_proc(caller: Caller) -> None:
    """Mount a /proc of the caller's own PID namespace over the one it sees."""
    caller.mount("proc", PROC, "proc", mount_calls.QUIET)


def unmount_proc(caller: Caller) -> None:
    """Take the topmost /proc off again."""
    caller.umount2(PROC, k.MNT_DETACH)


def sees_the_hosts_proc(shell: int) -> bool:
    """Tell whether /proc in the mounts of a bash is still ours, so that ps there shows us."""
    ours, theirs = _proc_device("self"), _proc_device(shell)
    return ours is not None and ours == theirs


def _proc_device(pid: int | str) -> str | None:
    points = [mount for mount in mountinfo.mounts_below(pid, PROC) if mount.point == PROC]
    return points[-1].device if points else None
