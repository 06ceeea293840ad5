"""The error of a program that cannot be executed in a container."""

from __future__ import annotations

import errno

from shellplay.errors import KernelError, Refused


class NotStarted(Refused):
    """The program cannot be executed: 127 if it is not there, else 126, as a shell says."""

    def __init__(self, error: KernelError, name: str, path: str, fix: str | None) -> None:
        name, missing = name or "''", error.errno in (errno.ENOENT, errno.ENOTDIR)
        self.exit_status = 127 if missing else 126
        if not missing:
            super().__init__(f"{name} cannot be executed: {error.message}")
            return
        where = "there" if "/" in name else f"in the PATH inside, {path}"
        super().__init__(f"{name} is not {where}", fix)
