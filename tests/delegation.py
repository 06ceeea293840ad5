"""Cgroups that root gives to an ordinary user, as systemd gives them to who is logged in.

In each hierarchy that is one directory of the user's, and below it the one that holds the
processes: in version 2 who has processes gives no controllers to those below.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shellplay.errors import KernelError, Refused
from shellplay.kernel.cgroup import directories as cgroup_directories
from shellplay.kernel.cgroup import hierarchies
from tests.waiting import wait_until


@contextmanager
def delegated(uid: int) -> Iterator[list[Path]]:
    """Make the directories for the ``with`` block; yields those that hold processes."""
    name = f"tests-{uuid.uuid4().hex[:8]}"
    made: list[Path] = []
    try:
        for hierarchy in hierarchies.hierarchies():
            try:
                above = hierarchies.place(hierarchy)
            except Refused:
                continue
            for controller in hierarchies.CONTROLLERS:
                if controller in hierarchy.controllers:
                    cgroup_directories.allow(hierarchy, above, controller)
            for directory in (above / name, above / name / "shell"):
                cgroup_directories.make(directory)
                made.append(directory)
                _give(directory, uid)
        yield made[1::2]
    finally:
        for directory in made[::2]:
            _remove(directory)


def _give(directory: Path, uid: int) -> None:
    os.chown(directory, uid, uid)
    for name in (hierarchies.PROCS, hierarchies.SUBTREE, "cgroup.threads"):
        if (directory / name).exists():
            os.chown(directory / name, uid, uid)


def _remove(directory: Path) -> None:
    def gone() -> bool:
        try:
            cgroup_directories.remove(directory)
        except KernelError:
            return False  # Who has been killed is in there until it is dead.
        return True

    wait_until(gone, f"the end of {directory}")
