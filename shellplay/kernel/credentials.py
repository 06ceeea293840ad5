"""Change the user, the groups and the capabilities of a process.

See credentials(7) and capabilities(7).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from shellplay.kernel import constants as k
from shellplay.kernel import idmap, procfs

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller


def setgroups(caller: Caller, groups: Sequence[int]) -> None:
    """Set the supplementary groups, setgroups(2)."""
    listed = struct.pack(f"{len(groups)}I", *groups)
    text = f"[{', '.join(map(str, groups))}]"
    caller.call(
        "setgroups", len(groups), bytearray(listed) or None, subject=text,
        shown=[str(len(groups)), text],
    )  # fmt: skip


def setresgid(caller: Caller, gid: int) -> None:
    """Set all three group IDs, setresgid(2)."""
    caller.call("setresgid", gid, gid, gid, subject=f"group {gid}")


def setresuid(caller: Caller, uid: int, *, keep_permitted: bool = False) -> None:
    """Set all three user IDs, setresuid(2); the kernel then clears the capabilities.

    With ``keep_permitted`` the permitted set stays, PR_SET_KEEPCAPS(2const): the process
    needs it to change its capabilities afterwards.
    """
    if keep_permitted:
        caller.prctl(k.PR_SET_KEEPCAPS, 1)
    caller.call("setresuid", uid, uid, uid, subject=f"user {uid}")


def drop_from_bounding_set(caller: Caller, capability: int, name: str) -> None:
    """Remove a capability from the bounding set, PR_CAPBSET_DROP(2const).

    No program that the process executes can get it then.
    """
    caller.call(
        "prctl", k.PR_CAPBSET_DROP, capability, 0, 0, 0, subject=f"PR_CAPBSET_DROP {name}",
        shown=["PR_CAPBSET_DROP", f"CAP_{name.upper()}"],
        same_as=f"setpriv --bounding-set -{name}",
    )  # fmt: skip


def clear_ambient_set(caller: Caller) -> None:
    """Clear the ambient set, PR_CAP_AMBIENT(2const); execve(2) would keep it."""
    caller.prctl(k.PR_CAP_AMBIENT, k.PR_CAP_AMBIENT_CLEAR_ALL)


def capset(caller: Caller, effective: int, permitted: int, inheritable: int) -> None:
    """Set the capability sets of the process, each a bit mask, capset(2)."""
    sets = {"effective": effective, "permitted": permitted, "inheritable": inheritable}
    halves = [each >> shift & 0xFFFFFFFF for shift in (0, 32) for each in sets.values()]
    shown = ", ".join(f"{name}={value:#x}" for name, value in sets.items())
    caller.call(
        "capset", struct.pack("Ii", k.LINUX_CAPABILITY_VERSION_3, 0),
        struct.pack("6I", *halves), subject=f"permitted {permitted:#x}",
        shown=["{_LINUX_CAPABILITY_VERSION_3}", f"{{{shown}}}"],
    )  # fmt: skip


def become_mapped(caller: Caller) -> None:
    """Give the caller a mapped user and group, if its user namespace does not map its own.

    A process keeps its IDs on the host in a new user namespace, user_namespaces(7).  So it
    would still own the files of its user on the host.
    The new IDs are 0, or the lowest of the map.  Raises KernelError if setgroups(2) is denied.
    """
    status = procfs.status(caller.pid)
    users, groups = idmap.uid_map(caller.pid), idmap.gid_map(caller.pid)
    if status is None or not users or not groups:
        return
    if idmap.is_mapped(status.uid, users) and idmap.is_mapped(status.gid, groups):
        return
    dumpable = caller.call("prctl", k.PR_GET_DUMPABLE, 0, 0, 0, 0, subject="PR_GET_DUMPABLE")
    setgroups(caller, [])
    setresgid(caller, min(each.inside for each in groups))
    setresuid(caller, min(each.inside for each in users))
    if dumpable == 1:
        # A change of the user ID clears the dumpable flag.  Without the flag an ordinary user
        # cannot trace the bash.
        caller.prctl(k.PR_SET_DUMPABLE, 1)
