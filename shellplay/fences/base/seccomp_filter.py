"""The fences that are filters of system calls: what the kernel shows of them is one number."""

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

    The kernel shows how many a process is behind, and not what each denies: which of them
    is whose follows from how many stand.  ``foreign`` is true of the kind that stands for
    those that nobody here has put up.
    """

    foreign: ClassVar[bool] = False

    opened_by = "nnp"

    @classmethod
    def fact(cls, pid: int | str) -> FilterCount | None:
        """Return how many filters a process is behind."""
        status = procfs.status(pid)
        return None if status is None else FilterCount(status.seccomp, status.filters)

    @classmethod
    def more_than(cls, others: int, *, mine: object, host: object) -> bool:
        """Tell whether somebody is behind more filters than the host and some others make."""
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
        """Tell whether a process may filter its calls: if nobody gets privileges by it."""
        return status.no_new_privs or has(status.effective, "sys_admin")
