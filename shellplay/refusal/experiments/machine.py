"""Experiments with the machine: its kernel, clock and memory."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator

from shellplay.refusal.experiments.experiment import Experiment
from shellplay.refusal.repetition import BEYOND, NOWHERE

KCMP_VM, SCHED_FIFO, MPOL_DEFAULT, BPF_PROG_LOAD = 1, 1, 0, 5
PERF_TYPE_SOFTWARE, PERF_ATTR_SIZE = 1, 112
GROUP = "machine"


def all_of() -> Iterator[Experiment]:
    """Yield the experiments with the machine: its kernel, clock and memory."""
    yield from _with_privilege()
    yield from _of_every_program()


def _with_privilege() -> Iterator[Experiment]:
    """Yield those that only root of the host may do."""
    for name, tries, call, arguments in (
        ("reboot", "restart the machine", "reboot", (0, 0, 0, 0)),
        ("load-module", "load a module into the kernel", "init_module", (0, 0, b"")),
        ("unload-module", "unload a module", "delete_module", (b"", os.O_NONBLOCK)),
        ("kexec", "start another kernel", "kexec_load", (0, 0xFFFF, 0, 0)),
        ("swap", "change the swap space", "swapon", (NOWHERE, 0)),
    ):
        yield Experiment(name, GROUP, tries, ((call, arguments),), BEYOND)
    yield Experiment(
        "clock", GROUP, "set the clock of the machine", (("settimeofday", (0, 0)),)
    )
    yield Experiment(
        "kernel-log", GROUP, "read the log of the kernel, dmesg", (("syslog", (2, 0, 0)),),
        (errno.EINVAL,),
    )  # fmt: skip
    yield Experiment(
        "bpf", GROUP, "load a program into the kernel, bpf(2)",
        (("bpf", (BPF_PROG_LOAD, bytes(128), 128)),), (errno.EINVAL, errno.E2BIG),
    )  # fmt: skip
    yield Experiment(
        "perf", GROUP, "measure other programs, perf_event_open(2)",
        (("perf_event_open", (_perf(), -1, 0, -1, 0)),), (errno.ENOENT, errno.ENODEV),
    )  # fmt: skip
    present = os.uname().nodename.encode()
    yield Experiment(
        "host-name", GROUP, "set the host name", (("sethostname", (present, len(present))),),
        alone=True,
    )  # fmt: skip
    yield Experiment(
        "hang-up", GROUP, "hang up a terminal, vhangup(2)", (("vhangup", ()),), alone=True
    )


def _of_every_program() -> Iterator[Experiment]:
    """Yield those that a program may do where no fence is."""
    yield Experiment(
        "io-uring", GROUP, "call past the filters, io_uring(7)",
        (("io_uring_setup", (1, bytearray(120))),),
    )  # fmt: skip
    for name, tries, call, arguments in (
        ("userfaultfd", "stop the kernel at a page", "userfaultfd", (0,)),
        ("memory-file", "run a program without a file", "memfd_create", (b"probe", 0)),
        ("numa", "move its memory between nodes", "set_mempolicy", (MPOL_DEFAULT, 0, 0)),
        ("personality", "switch off the random layout", "personality", (0x40000,)),
        ("lock-memory", "keep memory from being swapped", "mlockall", (2,)),
    ):
        yield Experiment(name, GROUP, tries, ((call, arguments),), alone=True)


def _perf() -> bytes:
    return struct.pack("II", PERF_TYPE_SOFTWARE, PERF_ATTR_SIZE).ljust(PERF_ATTR_SIZE, b"\0")
