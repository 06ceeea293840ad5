"""The pids fence: how many processes and threads a container has at most."""

from __future__ import annotations

import re

from shellplay.errors import UsageError
from shellplay.fences.base.cgroup_limit import CgroupLimit, needed
from shellplay.fences.base.fence import option
from shellplay.kernel.cgroup import hierarchies

NUMBER = "[0-9]{1,10}"


class Pids(CgroupLimit, kind="pids", man="cgroups(7)"):
    """Limits the number of processes; a fork bomb stays in the container.

    At the limit fork fails, for root too.  Each thread counts as one, and so does the bash.
    """

    trial = "stats"

    max: str | None = option(
        "the most processes and threads", host=None, metavar="NUMBER", bare=True, default=None
    )

    def _check(self) -> None:
        text = needed(self.kind, self.max, "50")
        if not re.fullmatch(NUMBER, text) or not 0 < int(text) < 1 << 22:
            raise UsageError(f"fence pids: {text!r} is not a number of processes", "as in 50")

    @classmethod
    def limit_of(cls, directory: str) -> str | None:
        """Return the limit of a cgroup."""
        text = hierarchies.read(directory, "pids.max")
        return None if text == "max" else text

    def files(self, version: int, directory: str) -> dict[str, str]:
        """Return the texts to write by file name."""
        return {"pids.max": self.max or ""}

    def freed(self, version: int, directory: str) -> dict[str, str]:
        """Return the texts that lift the limit by file name."""
        return {"pids.max": "max"}
