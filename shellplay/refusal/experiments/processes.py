"""Experiments with other processes."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator

from shellplay.kernel import constants as k
from shellplay.refusal.experiments.experiment import Experiment, opening
from shellplay.refusal.repetition import NO_PROCESS

PR_GET_NO_NEW_PRIVS, RLIMIT_NOFILE, UNLIMITED = 39, 7, (1 << 64) - 1
KCMP_VM, SCHED_FIFO, MPOL_DEFAULT, BPF_PROG_LOAD = 1, 1, 0, 5


def all_of(outside: int) -> Iterator[Experiment]:
    """Yield the experiments with other processes."""
    group = "processes"
    yield Experiment(
        "signal-host", group, "signal a process of the host", (("kill", (outside, 0)),)
    )
    yield Experiment(
        "trace-host", group, "look into a process of the host, as a debugger does",
        (("kcmp", (outside, outside, KCMP_VM, 0, 0)),),
    )  # fmt: skip
    yield opening("init-root", group, "walk to the root of PID 1", "/proc/1/root/", os.O_PATH)
    yield opening("init-environ", group, "read the environment of PID 1", "/proc/1/environ")
    yield opening("init-memory", group, "open the memory of PID 1", "/proc/1/mem")
    yield Experiment(
        "ptrace", group, "trace another process, ptrace(2)",
        (("ptrace", (k.PTRACE_SEIZE, NO_PROCESS, 0, 0)),), (errno.ESRCH,),
    )  # fmt: skip
    yield Experiment(
        "read-memory", group, "read the memory of another process",
        (("process_vm_readv", (NO_PROCESS, bytes(16), 1, bytes(16), 1, 0)),),
        (errno.ESRCH, errno.EFAULT),
    )  # fmt: skip
    yield Experiment(
        "pidfd", group, "hold a process of the host, pidfd_open(2)",
        (("pidfd_open", (outside, 0)),),
    )  # fmt: skip
    yield Experiment(
        "nice", group, "run before other programs, setpriority(2)",
        (("setpriority", (0, 0, -5)),), alone=True,
    )  # fmt: skip
    yield Experiment(
        "real-time", group, "take a processor for itself, SCHED_FIFO",
        (("sched_setscheduler", (0, SCHED_FIFO, struct.pack("i", 1))),), alone=True,
    )  # fmt: skip
    yield Experiment(
        "raise-limit", group, "raise its limit of open files",
        (("prlimit64", (0, RLIMIT_NOFILE, struct.pack("QQ", 1 << 20, 1 << 20), 0)),),
        alone=True,
    )  # fmt: skip
    yield Experiment(
        "compare", group, "compare resources of two processes, kcmp(2)",
        (("kcmp", (NO_PROCESS, NO_PROCESS, KCMP_VM, 0, 0)),), (errno.ESRCH,),
    )  # fmt: skip
