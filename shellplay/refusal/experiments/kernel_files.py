"""Experiments with the files of the kernel in /proc and /sys."""

from __future__ import annotations

import os
from collections.abc import Iterator

from shellplay.refusal.experiments.experiment import WRITE, Experiment, opening


def all_of() -> Iterator[Experiment]:
    """Yield the experiments with the files of the kernel in /proc and /sys."""
    group = "kernel files"
    yield opening("kcore", group, "read the memory of the kernel, /proc/kcore", "/proc/kcore")
    yield opening("kmsg", group, "read the log of the kernel, /proc/kmsg", "/proc/kmsg")
    yield opening("core-pattern", group, "name a program that the host runs as root",
                 "/proc/sys/kernel/core_pattern", WRITE)  # fmt: skip
    yield opening(
        "hostname-file",
        group,
        "set the host name by a file",
        "/proc/sys/kernel/hostname",
        WRITE,
    )
    yield opening("ip-forward", group, "make a router of its network",
                 "/proc/sys/net/ipv4/ip_forward", WRITE)  # fmt: skip
    yield opening("overcommit", group, "change how the host gives memory",
                 "/proc/sys/vm/overcommit_memory", WRITE)  # fmt: skip
    yield opening("sysrq", group, "restart the machine, /proc/sysrq-trigger",
                 "/proc/sysrq-trigger", WRITE)  # fmt: skip
    yield opening("parameter", group, "change a parameter of the kernel in /sys",
                 "/sys/module/kernel/parameters/panic", WRITE)  # fmt: skip
    yield opening("uevent", group, "pretend that a device was plugged in",
                 "/sys/class/mem/null/uevent", WRITE)  # fmt: skip
    yield opening(
        "debugfs", group, "look into drivers, debugfs", "/sys/kernel/debug/", os.O_PATH
    )
    yield opening("slab", group, "read /proc/slabinfo", "/proc/slabinfo")
    yield opening("page-map", group, "map pages to physical memory", "/proc/kpagecount")
