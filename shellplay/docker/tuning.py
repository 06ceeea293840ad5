"""Translate the options that write a file of a cgroup, and are not fences of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from shellplay.container.spec import CgroupSetting
from shellplay.docker.amounts import number_of_bytes, whole_number
from shellplay.docker.options import RunRequest
from shellplay.errors import UsageError
from shellplay.fences.io import disk
from shellplay.kernel.cgroup import hierarchies

LEAST_MEMORY = 6 << 20
# No part of it may lead up, or be hidden.
PARENT = re.compile(r"/?[A-Za-z0-9_@:-][A-Za-z0-9_.@:-]*(/[A-Za-z0-9_@:-][A-Za-z0-9_.@:-]*)*/?")
LIST = re.compile("[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*")
# The ranges of Docker and of the kernel.
SHARES, WEIGHTS, MOST_SHARES = (2, 262_144), (10, 1000), 2**63 - 1
# Option, file and key in version 1 and 2, and whether the rate is in bytes.
RATES = {
    "device-read-bps": ("read_bps_device", "rbps", True),
    "device-write-bps": ("write_bps_device", "wbps", True),
    "device-read-iops": ("read_iops_device", "riops", False),
    "device-write-iops": ("write_iops_device", "wiops", False),
}


def tuning(request: RunRequest) -> tuple[CgroupSetting, ...]:
    """Return the settings of a request, in the order in which they are written.

    Raises UsageError.
    """
    return (
        *_memory(request),
        *_processors(request),
        *_weights(request),
        *(each for option in RATES for each in _rates(request, option)),
    )


def _memory(request: RunRequest) -> Iterator[CgroupSetting]:
    text = request.last("memory-reservation")
    if text is not None and (size := number_of_bytes("--memory-reservation", text)):
        limit = number_of_bytes("--memory", request.last("memory") or "0")
        if size < LEAST_MEMORY or (limit and size > limit):
            raise UsageError(
                f"--memory-reservation {text}: from 6m on, and at most as much as --memory"
            )
        yield CgroupSetting(
            "memory-reservation", "memory",
            unified=(("memory.low", str(size)),),
            legacy=(("memory.soft_limit_in_bytes", str(size)),),
        )  # fmt: skip
    text = request.last("memory-swappiness")
    if text is not None and (share := whole_number("--memory-swappiness", text, -1, 100)) >= 0:
        yield CgroupSetting(
            "memory-swappiness", "memory", legacy=(("memory.swappiness", str(share)),)
        )
    if request.has("oom-kill-disable") and keeps_oom_control():
        yield CgroupSetting("oom-kill-disable", "memory", legacy=(("memory.oom_control", "1"),))


def keeps_oom_control() -> bool:
    """Tell whether the kernel can be told to kill nobody, as only version 1 can."""
    hierarchy = hierarchies.having("memory")
    return hierarchy is not None and hierarchy.version == 1


def cgroup_parent(request: RunRequest) -> str:
    """Return the path of the cgroup above that of the container; raises UsageError."""
    path = request.last("cgroup-parent") or ""
    if path and not PARENT.fullmatch(path):
        raise UsageError(
            f"--cgroup-parent {path[:64]!r} is not a path of a cgroup", "as in /web or web/back"
        )
    return path


def _processors(request: RunRequest) -> Iterator[CgroupSetting]:
    text = request.last("cpu-shares")
    if text is not None and (given := whole_number("--cpu-shares", text, 0, MOST_SHARES)):
        # As in Docker, the kernel's range counts.
        shares = min(max(given, SHARES[0]), SHARES[1])
        # The formula of runc for version 2, where the range is from 1 to 10000.
        weight = 1 + (shares - 2) * 9999 // 262_142
        yield CgroupSetting(
            "cpu-shares", "cpu",
            unified=(("cpu.weight", str(weight)),), legacy=(("cpu.shares", str(shares)),),
        )  # fmt: skip
    period = whole_number("--cpu-period", request.last("cpu-period") or "0", 0, 1_000_000)
    if period and not int(request.last("cpu-quota") or 0) > 0:
        # Without a quota the period limits nothing; it is what the fence would count in.
        yield CgroupSetting(
            "cpu-period", "cpu",
            unified=(("cpu.max", f"max {period}"),),
            legacy=(("cpu.cfs_period_us", str(period)),),
        )  # fmt: skip
    nodes = request.last("cpuset-mems")
    if nodes:
        if not LIST.fullmatch(nodes):
            raise UsageError(f"--cpuset-mems {nodes!r} is not a list of nodes", "as in 0-1")
        file = (("cpuset.mems", nodes),)
        yield CgroupSetting("cpuset-mems", "cpuset", unified=file, legacy=file)


def _weights(request: RunRequest) -> Iterator[CgroupSetting]:
    text = request.last("blkio-weight")
    if text is not None and (given := whole_number("--blkio-weight", text, 0, WEIGHTS[1])):
        if given < WEIGHTS[0]:
            raise UsageError(f"--blkio-weight {text}: it is from 10 to 1000, or 0 for none")
        yield _weight("blkio-weight", "", given)
    for text in request.all("blkio-weight-device"):
        path, _, number = text.rpartition(":")
        given = whole_number(f"--blkio-weight-device {text}:", number, 0, WEIGHTS[1])
        if given and given < WEIGHTS[0]:
            raise UsageError(f"--blkio-weight-device {text}: it is from 10 to 1000, or 0")
        yield _weight("blkio-weight-device", f"{_disk(text, path)} ", given)


def _weight(option: str, disk_: str, given: int) -> CgroupSetting:
    # The formula of runc for version 2, where the range is from 1 to 10000.
    scaled = 1 + (given - 10) * 9999 // 990
    suffix = "_device" if disk_ else ""
    return CgroupSetting(
        option, "io",
        unified=(
            ("io.bfq.weight", f"{disk_}{given}"),
            ("io.weight", f"{disk_ or 'default '}{scaled}"),
        ),
        legacy=(
            (f"blkio.weight{suffix}", f"{disk_}{given}"),
            (f"blkio.bfq.weight{suffix}", f"{disk_}{given}"),
        ),
    )  # fmt: skip


def _rates(request: RunRequest, option: str) -> Iterator[CgroupSetting]:
    file, key, in_bytes = RATES[option]
    for text in request.all(option):
        path, _, rate = text.rpartition(":")
        spelling = f"--{option} {text}:"
        number = (
            number_of_bytes(spelling, rate)
            if in_bytes
            else whole_number(spelling, rate, 0, 2**63 - 1)
        )
        if not number:
            raise UsageError(f"{spelling} nothing could be read or written", "a larger rate")
        numbers = _disk(text, path)
        yield CgroupSetting(
            option, "io",
            unified=(("io.max", f"{numbers} {key}={number}"),),
            legacy=((f"blkio.throttle.{file}", f"{numbers} {number}"),),
        )  # fmt: skip


def _disk(text: str, path: str) -> str:
    """Return MAJOR:MINOR of the disk that a path leads to; raises UsageError and Refused."""
    if not path.startswith("/dev/") or not Path(path).is_block_device():
        raise UsageError(f"{text} names no disk", "as in /dev/sda:1mb")
    return disk(path)
