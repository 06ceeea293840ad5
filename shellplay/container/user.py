"""Resolve USER[:GROUP] by passwd and group of the root of a process, and become it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from shellplay.errors import KernelError, Refused, UsageError
from shellplay.kernel import credentials, idmap, procfs
from shellplay.kernel.capabilities import has
from shellplay.kernel.proc_write import open_within
from shellplay.model import Value

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller

LARGEST_FILE = 1 << 20
LARGEST_ID = (1 << 32) - 2


class Account(Value):
    """The numbers of a user, the groups beside the first one, and the home directory."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def find(pid: int, user: str, more: Sequence[str] = ()) -> Account:
    """Return the account ``USER[:GROUP]`` of a process; names or numbers, root if empty.

    ``more`` are groups that it is in beside those of /etc/group.  As for ``docker run -u`` a
    number needs no entry in /etc/passwd.  Raises Refused for a name that has none, UsageError
    for what can be neither.
    """
    name, colon, group = user.partition(":")
    entries = list(_lines(pid, "/etc/passwd", 7))
    name = name or "0"
    known = _entry(entries, name)
    if known is not None:
        name, uid, gid, home = known[0], int(known[2]), int(known[3]), known[5] or "/"
    elif _is_number(name):
        name, uid, gid, home = "", _number(name), 0, "/"
    else:
        raise Refused(
            f"no user {name[:64]} is in /etc/passwd inside", "a number needs no entry"
        )
    listed = list(_lines(pid, "/etc/group", 4))
    added = {_group(listed, each) for each in more}
    if colon and group:
        gid, groups = _group(listed, group), added
    else:
        named = (each for each in listed if name and name in each[3].split(","))
        groups = added | {int(each[2]) for each in named}
    return Account(uid, gid, tuple(sorted(groups - {gid})), home)


def assume(caller: Caller, who: Account, drop: Callable[[], None] | None) -> None:
    """Have a process become a user, and drop capabilities by ``drop``, if there is one.

    The user comes first: setresuid(2) takes CAP_SETUID.  Raises Refused and KernelError.
    """
    _become(caller, who, keep_permitted=drop is not None)
    if drop is not None:
        drop()
        if who.uid:
            # As after execve(2) by an ordinary user; the bounding set limits what comes later.
            credentials.capset(caller, 0, 0, 0)


def _become(caller: Caller, who: Account, *, keep_permitted: bool) -> None:
    status = procfs.status(caller.pid)
    assert status is not None, "it waits for us"
    if [each.length for each in idmap.uid_map(caller.pid) or ()] == [1]:
        # One user is mapped, and no groups may be set, user_namespaces(7).
        if who.uid or who.gid:
            raise Refused(
                f"only root is known behind this user fence, not {who.uid}:{who.gid}",
                "start shellplay as root, or leave -u out",
            )
        return
    if not (who.uid or has(status.effective, "setgid")):
        return  # The user fence behind which it was root has been removed.
    with caller.together():
        credentials.setgroups(caller, sorted({who.gid, *who.groups}))
        credentials.setresgid(caller, who.gid)
        if who.uid:
            credentials.setresuid(caller, who.uid, keep_permitted=keep_permitted)
        if who.uid and keep_permitted:
            # setresuid(2) cleared the effective set; to drop capabilities takes CAP_SETPCAP.
            credentials.capset(caller, status.permitted, status.permitted, 0)


def _group(listed: list[list[str]], group: str) -> int:
    if _is_number(group):
        return _number(group)
    known = _entry(listed, group)
    if known is None:
        raise Refused(
            f"no group {group[:64]} is in /etc/group inside", "a number needs no entry"
        )
    return int(known[2])


def _entry(listed: list[list[str]], wanted: str) -> list[str] | None:
    """Return the first entry of a name or a number, None if there is none.

    A number is never taken for a name: an image may give the name 1000 to root.
    """
    if _is_number(wanted):
        number = _number(wanted)
        return next((each for each in listed if int(each[2]) == number), None)
    return next((each for each in listed if each[0] == wanted), None)


def _is_number(text: str) -> bool:
    # Python refuses to make a number of very many digits.
    return text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))


def _number(text: str) -> int:
    if int(text) > LARGEST_ID:
        raise UsageError(f"{text} is not a number of a user or group", f"at most {LARGEST_ID}")
    return int(text)


def _lines(pid: int, path: str, fields: int) -> Iterator[list[str]]:
    """Yield the well-formed lines of a file below the root that a process has."""
    for line in _text(pid, path).splitlines():
        parts = line.split(":")
        # The kernel takes 32 bits of a larger number, and those may be 0.
        if len(parts) >= fields and all(
            _is_number(each) and int(each) <= LARGEST_ID
            for each in (parts[2:4] if fields > 4 else parts[2:3])
        ):
            yield parts


def _text(pid: int, path: str) -> str:
    try:
        place = open_within(pid, path, os.O_PATH)
    except KernelError:
        return ""
    try:
        # To open a device does what its driver likes, and a pipe may never answer.
        if not stat.S_ISREG(os.fstat(place).st_mode):
            return ""
        with open(f"/proc/self/fd/{place}", "rb") as file:
            return file.read(LARGEST_FILE).decode("utf-8", "surrogateescape")
    finally:
        os.close(place)
