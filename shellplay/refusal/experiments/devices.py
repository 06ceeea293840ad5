"""Experiments with devices."""

from __future__ import annotations

import os
from collections.abc import Iterator

from shellplay.refusal.experiments.experiment import WRITE, Experiment, opening


def all_of() -> Iterator[Experiment]:
    """Yield the experiments with devices."""
    group = "devices"
    yield opening("dev-mem", group, "open the memory of the machine", "/dev/mem")
    yield opening("dev-kmsg", group, "write to the log of the kernel", "/dev/kmsg", WRITE)
    yield opening("fuse", group, "be a file system, /dev/fuse", "/dev/fuse", os.O_RDWR)
    yield opening("tun", group, "be a network card, /dev/net/tun", "/dev/net/tun", os.O_RDWR)
    yield opening("kvm", group, "run a virtual machine, /dev/kvm", "/dev/kvm", os.O_RDWR)
    yield opening("loop", group, "attach a file as a disk", "/dev/loop-control")
    yield opening(
        "terminal", group, "make a terminal, /dev/ptmx", "/dev/ptmx", os.O_RDWR | os.O_NOCTTY
    )
    yield opening(
        "console",
        group,
        "write to the console of the host",
        "/dev/console",
        WRITE | os.O_NOCTTY,
    )
    for disk in ("vda", "sda", "nvme0n1"):
        yield opening(f"disk-{disk}", group, f"read the disk /dev/{disk}", f"/dev/{disk}")
    yield Experiment(
        "port-io", group, "talk to hardware, iopl(2)", (("iopl", (3,)),), alone=True
    )
    yield Experiment(
        "port-permission", group, "talk to one port of the hardware, ioperm(2)",
        (("ioperm", (0x80, 1, 1)),), alone=True,
    )  # fmt: skip
