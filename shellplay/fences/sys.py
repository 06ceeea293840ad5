"""The sys fence: a read-only /sys."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from shellplay.errors import KernelError
from shellplay.fences.base.fence import option
from shellplay.fences.base.mount_over import MountOver, hide, make_read_only, mounts_at
from shellplay.kernel import constants as k
from shellplay.kernel import mount

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller

# The paths that Docker hides, moby daemon/pkg/oci/defaults.go.
MASKED = ("/sys/devices/virtual/powercap", "/sys/firmware")
PROCESSORS = "/sys/devices/system/cpu"


class Sys(MountOver, kind="sys", man="sysfs(5)", aliases=("sysfs",)):
    """Makes /sys read-only, with the switches of devices, drivers and cgroups.

    The firmware and the power use of the machine are hidden, as in Docker.
    """

    trial = "in findmnt /sys"

    target = "/sys"

    mask: bool = option("hide what Docker hides", host=None, default=True)

    def contents(self, pid: int) -> str:
        """Say whether /sys can be written."""
        return f"/sys: {self.fact(pid)}"

    @classmethod
    def fact(cls, pid: int | str) -> str | None:
        """Return whether the /sys of a process is writable, by its mounts."""
        found = mounts_at(pid, cls.target)
        if not found:
            return None
        return "read-only" if "ro" in found[0].options else "writable"

    def mount(self, caller: Caller, terminal: str) -> None:
        """Mount /sys over itself, read-only, and hide the paths that Docker hides."""
        if mounts_at(caller.pid, self.target):
            make_read_only(caller, [self.target])
        else:
            self._mount(caller)
        self._hide(caller)

    def mount_first(self, caller: Caller, terminal: str) -> None:
        """Mount a new /sys over it, with the interfaces inside."""
        if not self._is_new(caller):
            self.mount(caller, terminal)

    def mount_instead(self, caller: Caller, terminal: str) -> None:
        """Replace the /sys of the host by a new one, with the interfaces inside."""
        if self._is_new(caller):
            self.replace(caller)
        else:
            super().mount_instead(caller, terminal)

    def _is_new(self, caller: Caller) -> bool:
        """Mount a new /sys over the present one; return False if the kernel refuses."""
        try:
            self._mount(caller)
        except KernelError as error:
            # A user namespace may for a network of its own, unless the host's is covered; and
            # it may be there already.
            if error.errno not in (errno.EPERM, errno.EBUSY):
                raise
            return False
        self._hide(caller)
        return True

    def _mount(self, caller: Caller) -> None:
        caller.mount("sysfs", self.target, "sysfs", mount.QUIET | k.MS_RDONLY)

    def _hide(self, caller: Caller) -> None:
        if not self.mask:
            return
        try:
            names = os.listdir(f"/proc/{caller.pid}/root{PROCESSORS}")
        except FileNotFoundError:
            names = []
        hide(caller, [*MASKED, *(f"{PROCESSORS}/{each}/thermal_throttle" for each in names)])
