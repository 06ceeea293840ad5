"""The user fence: users and capabilities of its own; root inside is nobody special outside."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from shellplay.errors import UsageError
from shellplay.fences.base.fence import option
from shellplay.fences.base.namespace import Namespace
from shellplay.kernel.idmap import MapRange, subordinate, write_maps
from shellplay.kernel.procfs import Status

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller

RANGE = "([0-9]{1,10}):([0-9]{1,10}):([0-9]{1,10})"
# (uid_t) -1 is nobody's number.
NO_ID = 2**32 - 1


class User(Namespace, kind="user", man="user_namespaces(7)", aliases=("userns", "users")):
    """Users, groups and privileges: root inside is an ordinary user outside.

    By default 0 inside is you.  ``map=auto`` adds your range of /etc/subuid;
    ``map=0:1000:1,1:100000:65536`` says inside:outside:count.
    """

    one_way = True
    opened_by = None

    map: str | None = option("who is who", metavar="auto|INSIDE:OUTSIDE:COUNT", default=None)

    def _check(self) -> None:
        if self.map not in (None, "auto"):
            self._ranges(self.map)

    def permitted(self, status: Status) -> bool:
        """Tell whether a process may make one: anybody may."""
        return True

    def configure(self, caller: Caller) -> None:
        """Say who is who."""
        uid, gid = os.geteuid(), os.getegid()
        match self.map:
            case None:
                uids, gids = [MapRange(0, uid, 1)], [MapRange(0, gid, 1)]
            case "auto":
                uids = [MapRange(0, uid, 1), *subordinate("/etc/subuid", inside=1)]
                gids = [MapRange(0, gid, 1), *subordinate("/etc/subgid", inside=1)]
            case text:
                uids = gids = self._ranges(text)
        write_maps(caller.pid, uids, gids)

    @staticmethod
    def _ranges(text: str) -> list[MapRange]:
        found = [re.fullmatch(RANGE, part) for part in text.split(",")]
        ranges = [MapRange(*map(int, match.groups())) for match in found if match]
        # The kernel would take a larger number for what is left of it in 32 bits.
        fits = all(
            each.length and max(each.inside, each.outside) + each.length <= NO_ID
            for each in ranges
        )
        if None in found or not fits:
            raise UsageError(
                f"{text!r} is not a map", "inside:outside:count, like 0:1000:1, or auto"
            )
        return ranges
