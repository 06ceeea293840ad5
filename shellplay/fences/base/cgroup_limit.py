"""The limits that a cgroup keeps: one value, in one file of version 1 or 2."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import TYPE_CHECKING, ClassVar

from shellplay.errors import KernelError, Refused, UsageError
from shellplay.fences.base.limit import Limit
from shellplay.kernel.cgroup import hierarchies
from shellplay.kernel.cgroup.hierarchies import Hierarchy
from shellplay.model import Value

if TYPE_CHECKING:
    from shellplay.fences.base.target import Target
    from shellplay.kernel.cgroup.group import Group

AMOUNT = r"([0-9]{1,30}(?:\.[0-9]{1,30})?)([kmgt]?)(?:i?b)?"
# Version 1 shows a number of pages near 2**63 bytes for no limit.
NO_LIMIT = 1 << 62
UNITS = ("", "k", "m", "g", "t")


class Held(Value):
    """What the kernel shows of a limit: its value, None for no limit, and its cgroup."""

    value: str | None
    cgroup: str

    def __str__(self) -> str:
        return self.value or "no limit"


class CgroupLimit(Limit, ABC):
    """A limit of a cgroup that the container gets for itself.

    The live bash is moved in with all its descendants, and their children are born there.
    A bash that was suspended before stays outside.  ``beside`` are controllers of version 1
    that only count.
    """

    beside: ClassVar[tuple[str, ...]] = ()

    # -- what the kernel shows -----------------------------------------------------------

    @classmethod
    @abstractmethod
    def limit_of(cls, directory: str) -> str | None:
        """Return the limit of a cgroup, as a user writes it; None if it has none."""

    @classmethod
    def fact(cls, pid: int | str) -> Held | None:
        """Return the limit of the cgroup that a process is in."""
        hierarchy = hierarchies.having(cls.kind)
        directory = hierarchy.of(pid) if hierarchy else None
        return None if directory is None else Held(cls.limit_of(directory), directory)

    @classmethod
    def fenced(cls, mine: Hashable | None, host: Hashable | None) -> bool:
        """Tell whether a process is in another cgroup than the host, and limited there."""
        if not isinstance(mine, Held) or not isinstance(host, Held):
            return False
        return mine.cgroup != host.cgroup and mine.value is not None

    @classmethod
    def unsupported(cls) -> str | None:
        """Return why this machine does not have it."""
        if hierarchies.having(cls.kind) is not None:
            return None
        return f"this machine has no {cls.kind} controller in cgroups of version 1 or 2"

    # -- how it is applied ------------------------------------------------------------------

    @abstractmethod
    def files(self, version: int, directory: str) -> dict[str, str]:
        """Return the texts to write by file name, in this order."""

    @abstractmethod
    def freed(self, version: int, directory: str) -> dict[str, str]:
        """Return the texts that lift the limit by file name, in this order."""

    def apply(self, target: Target) -> None:
        """Set the limit, or another one, then move a process in with its descendants."""
        group = target.group
        fresh = not group.holds(self._hierarchies()[0], self.kind)
        try:
            for hierarchy in self._hierarchies():
                controllers = (self.kind,) if hierarchy.version == 2 else ()
                directory = group.hold(hierarchy, self.kind, *controllers)
                if hierarchy is hierarchies.having(self.kind):
                    files = self.files(hierarchy.version, directory)
                    self._set(group, hierarchy, files, fresh=fresh)
                group.move_tree(hierarchy, target.pid)
        except (KernelError, Refused):
            if fresh:
                self._release(group)
            raise

    def enter_cgroup(self, target: Target) -> None:
        """Move a process into the cgroup that is going to limit it, and does not yet."""
        for hierarchy in self._hierarchies():
            target.group.hold(hierarchy, self.kind)
            target.group.move_tree(hierarchy, target.pid)

    def remove(self, target: Target) -> None:
        """Lift the limit; without another one the processes leave the cgroup, which ends."""
        self.clean_up(target.group)

    def clean_up(self, group: Group) -> None:
        """Lift the limit in its cgroup, which is removed if no other limit needs it."""
        hierarchy = hierarchies.having(self.kind)
        if hierarchy is not None:
            self._free(group, hierarchy)
        self._release(group)

    def _release(self, group: Group) -> None:
        for hierarchy in self._hierarchies():
            group.release(hierarchy, self.kind)

    def _free(self, group: Group, hierarchy: Hierarchy) -> None:
        directory = group.directory(hierarchy)
        if directory is not None:
            freed = self.freed(hierarchy.version, directory)
            there = [name for name in freed if os.path.exists(f"{directory}/{name}")]
            group.write(hierarchy, {name: freed[name] for name in there})

    def _set(
        self, group: Group, hierarchy: Hierarchy, files: dict[str, str], *, fresh: bool
    ) -> None:
        try:
            group.write(hierarchy, files)
        except KernelError as error:
            if fresh:
                self._free(group, hierarchy)
            raise Refused(f"{self.kind}: {self.why(error)} ({error.message})") from error

    def why(self, error: KernelError) -> str:
        """Return why the kernel refuses a value."""
        return "the kernel does not take that"

    @classmethod
    def _hierarchies(cls) -> list[Hierarchy]:
        found = [hierarchies.having(each) for each in (cls.kind, *cls.beside)]
        return list(dict.fromkeys(each for each in found if each is not None))


def amount(kind: str, text: str) -> int:
    """Return an amount of bytes, as in 64M or 1.5g; raises UsageError."""
    found = re.fullmatch(AMOUNT, text, re.IGNORECASE)
    if found is None:
        raise UsageError(f"fence {kind}: {text!r} is not an amount", "as in 64M, 512k or 1.5G")
    size = int(float(found[1]) * 1024 ** UNITS.index(found[2].lower()))
    if size >= NO_LIMIT:
        raise UsageError(f"fence {kind}: {text} is above all limits", f"peel {kind}")
    return size


def spelled(size: int) -> str:
    """Return an amount of bytes in the largest unit that divides it: 64M."""
    for unit in ("T", "G", "M", "K"):
        step = 1024 ** UNITS.index(unit.lower())
        if size and size % step == 0:
            return f"{size // step}{unit}"
    return str(size)


def needed(kind: str, value: str | None, example: str) -> str:
    """Return a required value; raises UsageError if it is None."""
    if value is None:
        raise UsageError(f"fence {kind} needs a value", f"fence {kind} {example}")
    return value
