"""The fences that are filters of system calls; the kernel shows their number only."""

from __future__ import annotations

import os
from abc import ABC
from typing import ClassVar

from shellplay.fences.base.restriction import Restriction
from shellplay.kernel import procfs
from shellplay.kernel.capabilities import has
from shellplay.kernel.procfs import Status
from shellplay.model import Value


class FilterCount(Value):
    """What the kernel shows of filters: the mode, 2 for filters, and how many there are."""

    mode: int
    filters: int

    def __str__(self) -> str:
        if not self.mode:
            return "off"
        return f"mode {self.mode}, {self.filters} filter{'s' if self.filters > 1 else ''}"


class SeccompFilter(Restriction, ABC):
    """A fence that is one filter of system calls.

    The kernel shows how many a process has, and not what each denies: whether one of them
    belongs to a fence follows from how many are applied.  ``foreign`` is true of the kind
    that shows filters which no fence has installed.
    """

    foreign: ClassVar[bool] = False

    opened_by = "nnp"

    def contents(self, pid: int) -> str:
        """Say that calls are filtered: of a filter the kernel shows nothing else."""
        return "system calls are filtered"

    @classmethod
    def fact(cls, pid: int | str) -> FilterCount | None:
        """Return how many filters a process has, None if it cannot be read."""
        status = procfs.status(pid)
        return None if status is None else FilterCount(status.seccomp, status.filters)

    @classmethod
    def more_than(cls, others: int, *, mine: object, host: object) -> bool:
        """Tell whether a process has more filters than the host and some others together."""
        if not isinstance(mine, FilterCount) or not isinstance(host, FilterCount):
            return False
        return mine.filters > host.filters + others

    @classmethod
    def unsupported(cls) -> str | None:
        """Say why this kernel cannot have it."""
        if os.path.isdir("/proc/sys/kernel/seccomp"):
            return None
        return "this kernel has no filters of system calls (CONFIG_SECCOMP_FILTER)"

    def permitted(self, status: Status) -> bool:
        """Tell whether a process may filter its calls: with no_new_privs or CAP_SYS_ADMIN."""
        return status.no_new_privs or has(status.effective, "sys_admin")
