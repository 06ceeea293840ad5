"""The memory fence: how much memory all processes of a container use together."""

from __future__ import annotations

import errno
import os

from shellplay.errors import KernelError, Refused, UsageError
from shellplay.fences.base.cgroup_limit import NO_LIMIT, CgroupLimit, amount, needed, spelled
from shellplay.fences.base.fence import option
from shellplay.kernel.cgroup import hierarchies

SWAP_V2 = "memory.swap.max"
SWAP_V1, LIMIT_V1 = "memory.memsw.limit_in_bytes", "memory.limit_in_bytes"

UNLIMITED = "unlimited"
# With less the kernel kills bash itself at its next allocation.
LEAST = 1 << 20

FROM_NOW_ON = "memory that is in use already is not counted"


class Memory(CgroupLimit, kind="memory", man="cgroups(7)"):
    """Limits the memory of the whole container.

    At the limit the kernel first reclaims memory, from the page cache for example.  If it
    cannot reclaim enough, it kills a process inside.  free and /proc/meminfo inside show
    the memory of the host.  The container gets no swap without ``swap=``.
    """

    trial = "stats"

    max: str | None = option(
        "the most memory", host=None, metavar="AMOUNT", bare=True, default=None
    )
    swap: str | None = option(
        "the most swap, or unlimited; without it, none",
        host=None,
        metavar="AMOUNT",
        default=None,
    )  # fmt: skip

    def _check(self) -> None:
        self._sizes()

    def _sizes(self) -> tuple[int, int | None]:
        """Return the bytes of memory and of swap, None for as much as there is."""
        page = os.sysconf("SC_PAGE_SIZE")
        size = amount(self.kind, needed(self.kind, self.max, "64M"))
        if size < LEAST:
            raise UsageError(
                f"fence memory: bash itself needs more than {self.max}", "1M at least"
            )
        endless = self.swap == UNLIMITED
        swap = None if endless else amount(self.kind, self.swap or "0")
        return size // page * page, swap

    @classmethod
    def counts_swap(cls) -> bool:
        """Tell whether this kernel counts swap for each cgroup, so that it can limit it."""
        hierarchy = hierarchies.having("memory")
        if hierarchy is None:
            return False
        if hierarchy.version == 1:
            return os.path.exists(f"{hierarchy.point}/{SWAP_V1}")
        # The root of version 2 has no such file, but all cgroups below it have.
        places = (hierarchy.of("self"), *(each.path for each in os.scandir(hierarchy.point)))
        return any(os.path.exists(f"{place}/{SWAP_V2}") for place in places)

    @classmethod
    def limit_of(cls, directory: str) -> str | None:
        """Return the limit of a cgroup."""
        text = hierarchies.read(directory, "memory.max") or hierarchies.read(
            directory, LIMIT_V1
        )
        if text is None or not text.isdigit() or int(text) >= NO_LIMIT:
            return None
        return spelled(int(text))

    def files(self, version: int, directory: str) -> dict[str, str]:
        """Return the texts to write by file name."""
        size, swap = self._sizes()
        if version == 2:
            files = {"memory.max": str(size), SWAP_V2: "max" if swap is None else str(swap)}
            file_of_swap = SWAP_V2
        else:
            both = "-1" if swap is None else str(size + swap)
            files = {LIMIT_V1: str(size), SWAP_V1: both}
            file_of_swap = SWAP_V1
            # The limit of memory and swap must not be below that of memory at any moment.
            if size > int(hierarchies.read(directory, SWAP_V1) or NO_LIMIT):
                files = dict(reversed(files.items()))
        if not os.path.exists(f"{directory}/{file_of_swap}"):
            if self.swap:
                raise Refused("memory: this kernel does not count swap", "leave swap= away")
            del files[file_of_swap]
        return files

    def freed(self, version: int, directory: str) -> dict[str, str]:
        """Return the texts that lift the limit by file name."""
        if version == 2:
            return {"memory.max": "max", SWAP_V2: "max"}
        return {SWAP_V1: "-1", LIMIT_V1: "-1"}

    def remarks(self) -> tuple[str, ...]:
        """Return that memory from before the limit is not counted."""
        return (FROM_NOW_ON,)

    def why(self, error: KernelError) -> str:
        """Return why the kernel refuses a value."""
        if error.errno == errno.EBUSY:
            return "more than that is in use, and cgroup v1 cannot get it back"
        return super().why(error)
