"""The caps fence: which privileges of root are left, see capabilities(7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shellplay.errors import UsageError
from shellplay.fences.base.fence import listed, option
from shellplay.fences.base.restriction import Restriction
from shellplay.kernel import credentials, procfs
from shellplay.kernel.capabilities import NAMES, Sets, has, last, mask, name_of
from shellplay.kernel.procfs import Status
from shellplay.nearest import did_you_mean

if TYPE_CHECKING:
    from shellplay.fences.base.target import Target

# What Docker leaves a container without --cap-add and --cap-drop.
DOCKER = (
    *("chown", "dac_override", "fsetid", "fowner", "mknod", "net_raw", "setgid", "setuid"),
    *("setfcap", "setpcap", "net_bind_service", "sys_chroot", "kill", "audit_write"),
)
PRESETS = {"docker": DOCKER, "none": ()}
ALL = "all"
LIST = f"NAME,...|{ALL}"


class Caps(Restriction, kind="caps", man="capabilities(7)", aliases=("capabilities", "cap")):
    """Drops capabilities of root; no program inside gets them back, not even setuid ones.

    A new user namespace has all of them again; ``fence userns-lock`` closes that way.

    ``caps docker`` leaves the 14 of Docker, ``caps none`` leaves none.  ``keep=`` and
    ``drop=`` add to these and take away.  Alone, ``keep=`` leaves only those that it lists,
    and ``drop=`` leaves all others.  Names are like ``net_raw`` or ``CAP_NET_RAW``;
    ``all`` means all of them: ``drop=all keep=chown`` leaves one.  ``fence caps`` alone
    means ``caps docker``.
    """

    trial = "in grep Cap /proc/self/status"

    opened_by = "user"
    after_user = True

    preset: str | None = option(
        "the capabilities that are left",
        host=None,
        choices=tuple(PRESETS),
        metavar="docker|none",
        bare=True,
        default=None,
    )
    keep: str | None = option(
        "keep these", host=None, metavar=LIST, words=lambda: (ALL, *NAMES), default=None
    )
    drop: str | None = option(
        "drop these", host=None, metavar=LIST, words=lambda: (ALL, *NAMES), default=None
    )

    def _check(self) -> None:
        if self.left() == mask(NAMES):
            raise UsageError(
                "fence caps: all are kept, so none is dropped", "as in drop=net_raw"
            )

    def left(self) -> int:
        """Return the set that is left, if all of it is there before."""
        keep, drop = _names(self.keep), _names(self.drop)
        if drop == NAMES:
            return mask(keep)
        if self.preset is not None or (not keep and not drop):
            kept = mask(PRESETS[self.preset or "docker"]) | mask(keep)
        else:
            kept = mask(keep) if keep else mask(NAMES)
        return kept & ~mask(drop)

    def contents(self, pid: int) -> str:
        """Say how many capabilities are left."""
        return f"{self.fact(pid)} capabilities"

    @classmethod
    def fact(cls, pid: int | str) -> Sets | None:
        """Return the capability sets of a process."""
        status = procfs.status(pid)
        return None if status is None else Sets.of(status)

    @classmethod
    def fenced(cls, mine: object, host: object) -> bool:
        """Tell whether something that the host may get can no longer be got."""
        # The other sets say what a process has, and a user namespace changes that.
        if not isinstance(mine, Sets) or not isinstance(host, Sets):
            return False
        return bool(host.bounding & ~mine.bounding)

    def observed(self, pid: int | str) -> bool:
        """Tell whether a process has nothing, and can get nothing, that is not left."""
        sets = self.fact(pid)
        if sets is None:
            return False
        beyond = sets.inheritable | sets.permitted | sets.effective | sets.bounding
        return not (beyond | sets.ambient) & ~self.left()

    def permitted(self, status: Status) -> bool:
        """Tell whether a process may drop from its bounding set: with CAP_SETPCAP."""
        return has(status.effective, "setpcap")

    def apply(self, target: Target) -> None:
        """Set all five sets: what is left, as far as it is there."""
        caller = target.caller
        before = self.fact(caller.pid)
        if before is None:
            return
        left = self.left()
        kept = before.permitted & left
        with caller.together():
            # By the bounding set programs obey that it starts; PR_CAPBSET_DROP needs a
            # capability, so that comes before the others.
            for number in range(last() + 1):
                if before.bounding & ~left & 1 << number:
                    credentials.drop_from_bounding_set(caller, number, name_of(number))
            # Inheritable and ambient ones would come back through files and execve(2).
            credentials.clear_ambient_set(caller)
            credentials.capset(caller, before.effective & kept, kept, 0)


def _names(text: str | None) -> tuple[str, ...]:
    names = () if text is None else listed("caps", text.lower().replace("cap_", ""))
    if ALL in names:
        return NAMES
    for name in names:
        if name not in NAMES:
            near = did_you_mean(name, NAMES, "man 7 capabilities has them")
            raise UsageError(f"there is no capability {name!r}", near)
    return names
