"""The experiments of ``probe``, a file for each group.

A dangerous call gets arguments that the kernel refuses after it has checked the privilege, as
in ``repetition``.
"""

from __future__ import annotations

from functools import cache

from shellplay.refusal.experiments import (
    devices,
    files,
    kernel_files,
    machine,
    namespaces,
    network,
    processes,
    users,
)
from shellplay.refusal.experiments.experiment import Experiment

GROUPS = (users, files, kernel_files, devices, network, namespaces, machine)


@cache
def experiments(outside: int) -> tuple[Experiment, ...]:
    """Return all experiments; ``outside`` is the PID of a process outside of all fences."""
    return (*processes.all_of(outside), *(each for group in GROUPS for each in group.all_of()))
