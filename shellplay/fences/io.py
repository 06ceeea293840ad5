"""The io fence: how fast a container reads from a block device and writes to it."""

from __future__ import annotations

import os

from shellplay.errors import Refused, UsageError
from shellplay.fences.base.cgroup_limit import CgroupLimit, amount, spelled
from shellplay.fences.base.fence import option
from shellplay.kernel.cgroup import hierarchies

BLOCK = "/sys/dev/block"
READ_V1, WRITE_V1 = "blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device"

ONLY_DIRECT = "cgroup v1 slows direct writes down, and none that the page cache takes first"


class Io(CgroupLimit, kind="io", man="cgroups(7)"):
    """Limits how fast the container reads and writes a disk, in bytes per second.

    Without ``device=`` it is the disk that / is on.
    """

    trial = "stats"

    read: str | None = option(
        "the most bytes read per second", host=None, metavar="AMOUNT", default=None
    )
    write: str | None = option(
        "the most bytes written per second", host=None, metavar="AMOUNT", default=None
    )
    device: str | None = option(
        "another disk, as in /dev/sda", host=None, metavar="PATH", default=None
    )

    def _check(self) -> None:
        if self.read is None and self.write is None:
            raise UsageError("fence io needs read= or write=", "fence io read=10M write=10M")
        for name, text in (("read", self.read), ("write", self.write)):
            if text is not None and amount(self.kind, text) == 0:
                raise UsageError(
                    f"fence io: {name}={text} is not a limit", f"leave {name}= out"
                )

    def _speeds(self) -> tuple[int, int]:
        """Return the bytes per second for reads and for writes; 0 is not a limit."""
        return amount(self.kind, self.read or "0"), amount(self.kind, self.write or "0")

    @classmethod
    def limit_of(cls, directory: str) -> str | None:
        """Return the limits of a cgroup, of each disk."""
        unified = hierarchies.read(directory, "io.max")
        if unified is not None:
            return _told(dict(_unified(line) for line in unified.splitlines()))
        speeds: dict[str, dict[str, int]] = {}
        for word, name in (("read", READ_V1), ("write", WRITE_V1)):
            for disk, speed in hierarchies.counters(directory, name).items():
                speeds.setdefault(disk, {})[word] = speed
        return _told(speeds)

    def files(self, version: int, directory: str) -> dict[str, str]:
        """Return the texts to write by file name."""
        read, write = self._speeds()
        return self._lines(version, read, write)

    def freed(self, version: int, directory: str) -> dict[str, str]:
        """Return the texts that lift the limit by file name."""
        return self._lines(version, 0, 0)

    def remarks(self) -> tuple[str, ...]:
        """Say what version 1 does not do."""
        hierarchy = hierarchies.having(self.kind)
        return () if hierarchy is None or hierarchy.version == 2 else (ONLY_DIRECT,)

    def _lines(self, version: int, read: int, write: int) -> dict[str, str]:
        numbers = disk(self.device)
        if version == 2:
            return {"io.max": f"{numbers} rbps={read or 'max'} wbps={write or 'max'}"}
        return {READ_V1: f"{numbers} {read}", WRITE_V1: f"{numbers} {write}"}


def disk(device: str | None) -> str:
    """Return MAJOR:MINOR of a disk, by default of the disk of /; raises Refused."""
    try:
        number = os.stat("/").st_dev if device is None else os.stat(device).st_rdev
    except OSError as error:
        raise Refused(f"io: {device}: {error.strerror}", "device=/dev/sda") from error
    found = f"{BLOCK}/{os.major(number)}:{os.minor(number)}"
    if not os.path.exists(found):
        what = "/ is on no disk of its own" if device is None else f"{device} is not a disk"
        raise Refused(f"io: {what}", "lsblk lists the disks: device=/dev/NAME")
    # The kernel limits whole disks, not partitions.
    whole = f"{os.path.realpath(found)}/.." if os.path.exists(f"{found}/partition") else found
    with open(f"{whole}/dev") as file:
        return file.read().strip()


def _unified(line: str) -> tuple[str, dict[str, int]]:
    disk, *words = line.split()
    values = dict(word.split("=") for word in words)
    names = {"read": values.get("rbps", "max"), "write": values.get("wbps", "max")}
    return disk, {name: int(value) for name, value in names.items() if value != "max"}


def _told(speeds: dict[str, dict[str, int]]) -> str | None:
    told = [
        " ".join((disk, *(f"{name} {spelled(speed)}" for name, speed in each.items())))
        for disk, each in speeds.items()
        if each
    ]
    return ", ".join(told) or None
