"""The calls by which a process becomes another user, see credentials(7)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from shellplay.kernel import constants as k

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

    With ``keep_permitted`` the permitted set stays, see PR_SET_KEEPCAPS(2const): whoever
    has more to give up needs it for that.
    """
    if keep_permitted:
        caller.prctl(k.PR_SET_KEEPCAPS, 1)
    caller.call("setresuid", uid, uid, uid, subject=f"user {uid}")
