"""Write kernel parameters in /proc/sys; names in ``net.`` belong to a net namespace."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from shellplay.kernel import constants as k

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller


def set_all(caller: Caller, settings: Mapping[str, str]) -> None:
    """Write kernel parameters; the names have dots, as in sysctl(8).  Raises KernelError."""
    with caller.together():
        for name, value in settings.items():
            path, text = f"/proc/sys/{name.replace('.', '/')}", value.encode()
            fd = caller.openat2(k.AT_FDCWD, path, os.O_WRONLY | os.O_CLOEXEC, 0)
            caller.call(
                "write", fd, text, len(text), subject=name, shown=[name, f'"{value}"'],
                same_as=f"sysctl -w {name}='{value}'",
            )  # fmt: skip
            caller.close(fd)
