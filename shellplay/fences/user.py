"""The user fence: a user namespace, with users and capabilities of its own."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from shellplay.errors import UsageError
from shellplay.fences.base.fence import option
from shellplay.fences.base.namespace import Namespace
from shellplay.kernel import credentials
from shellplay.kernel.idmap import (
    MapRange,
    subordinate,
    subordinate_of_root,
    uid_map,
    write_maps,
)

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller
    from shellplay.kernel.procfs import Status

RANGE = "([0-9]{1,10}):([0-9]{1,10}):([0-9]{1,10})"
# (uid_t) -1 is not a user ID: setresuid(2) takes it for "unchanged".
NO_ID = 2**32 - 1


class User(Namespace, kind="user", man="user_namespaces(7)", aliases=("userns", "users")):
    """Gives bash users of its own: root inside has no privilege over the host.

    By default root inside is your user outside.  If you are root, root inside is root
    outside and owns the files of root.  ``map=auto`` adds your range of /etc/subuid; for
    root it maps users of the host that own no files.  ``map=0:1000:1,1:100000:65536`` is a
    list of inside:outside:count.
    """

    trial = "in id"

    one_way = True
    boundary = True
    opened_by = None

    map: str | None = option(
        "which user outside is which user inside",
        host=None,
        metavar="auto|INSIDE:OUTSIDE:COUNT",
        default=None,
    )

    def _check(self) -> None:
        if self.map not in (None, "auto"):
            self._ranges(self.map)

    def permitted(self, status: Status) -> bool:
        """Return True: every process may make one."""
        return True

    def configure(self, caller: Caller) -> None:
        """Write the maps, and make the caller one of their users."""
        write_maps(caller.pid, *self._maps())
        credentials.become_mapped(caller)

    def enter(self, caller: Caller, fd: int, *, of: str) -> None:
        """Move the caller into an existing namespace, and make it one of its users."""
        super().enter(caller, fd, of=of)
        credentials.become_mapped(caller)

    def remarks(self) -> tuple[str, ...]:
        """Say what the default map of root leaves open."""
        if self.map is None and os.geteuid() == 0:
            return ("0 inside is root outside: it owns root's files (map=auto maps others)",)
        return ()

    def contents(self, pid: int) -> str:
        """Say which users outside its first users are, as the kernel has mapped them."""
        ranges = uid_map(pid)
        if not ranges:
            return "no user is mapped"
        first = ranges[0]
        if first.length == 1:
            return f"UID {first.inside} inside is {first.outside} outside"
        more = first.length - 1
        inside, outside = (f"{id}-{id + more}" for id in (first.inside, first.outside))
        return f"UIDs {inside} inside are {outside} outside"

    def _maps(self) -> tuple[list[MapRange], list[MapRange]]:
        """Return the maps of users and of groups."""
        uid, gid = os.geteuid(), os.getegid()
        match self.map:
            case None:
                return [MapRange(0, uid, 1)], [MapRange(0, gid, 1)]
            case "auto" if uid == 0:
                return subordinate_of_root("/etc/subuid"), subordinate_of_root("/etc/subgid")
            case "auto":
                return (
                    [MapRange(0, uid, 1), *subordinate("/etc/subuid", inside=1)],
                    [MapRange(0, gid, 1), *subordinate("/etc/subgid", inside=1)],
                )
            case text:
                return (ranges := self._ranges(text)), ranges

    @staticmethod
    def _ranges(text: str) -> list[MapRange]:
        found = [re.fullmatch(RANGE, part) for part in text.split(",")]
        ranges = [MapRange(*map(int, match.groups())) for match in found if match]
        # The kernel reads 32 bits of a larger number.
        fits = all(
            each.length and max(each.inside, each.outside) + each.length <= NO_ID
            for each in ranges
        )
        if None in found or not fits:
            raise UsageError(
                f"{text!r} is not a map", "inside:outside:count, like 0:1000:1, or auto"
            )
        return ranges
