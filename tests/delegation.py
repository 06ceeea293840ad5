"""Cgroups of this pytest and all its processes: every cgroup below them is its own.

In each hierarchy these are two directories, the second in the first.  The second holds the
processes, because a cgroup of version 2 that holds some gives no controllers to those below.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shellplay.errors import KernelError, Refused
from shellplay.kernel.cgroup import directories as cgroup_directories
from shellplay.kernel.cgroup import hierarchies
from shellplay.kernel.cgroup.hierarchies import Hierarchy
from shellplay.kernel.process_tree import kill_quietly
from tests.waiting import wait_until

PREFIX = "tests-"


@contextmanager
def delegated(uid: int) -> Iterator[list[Path]]:
    """Delegate cgroups to a user for the ``with`` block, as systemd does at a login.

    Yields the directories for the user's processes.  What is still inside at the end is killed.
    """
    name = f"{PREFIX}{os.getpid()}-{uuid.uuid4().hex[:8]}"
    made: list[Path] = []
    try:
        for hierarchy in hierarchies.hierarchies():
            with suppress(Refused):
                above = Path(hierarchies.place(hierarchy))
                made.append(above / name)
                _make(hierarchy, above / name, uid)
        yield [each / "shell" for each in made]
    finally:
        for directory in made:
            _remove(directory)


@contextmanager
def set_apart() -> Iterator[None]:
    """Move this process to cgroups of its own, in every hierarchy where it is allowed."""
    homes = {each: each.of("self") for each in hierarchies.hierarchies()}
    with delegated(os.geteuid()) as directories:
        for directory in directories:
            # A user may own a cgroup, but not the common ancestor, which a move needs.
            with suppress(KernelError):
                cgroup_directories.move(os.getpid(), str(directory))
        try:
            yield
        finally:
            for hierarchy, home in homes.items():
                if home and hierarchy.of("self") != home:
                    cgroup_directories.move(os.getpid(), home)


def own_directories() -> list[Path]:
    """Return the cgroups that we were ``set_apart`` in, the upper one of each hierarchy."""
    found = (each.of("self") for each in hierarchies.hierarchies())
    above = [Path(each).parent for each in found if each]
    return [each for each in above if each.name.startswith(PREFIX)]


def _make(hierarchy: Hierarchy, upper: Path, uid: int) -> None:
    _sweep(upper.parent)
    for controller in hierarchies.CONTROLLERS:
        if controller in hierarchy.controllers:
            cgroup_directories.allow(hierarchy, str(upper.parent), controller)
    for directory in (upper, upper / "shell"):
        cgroup_directories.make(str(directory))
        os.chown(directory, uid, uid)
        for file in (hierarchies.PROCS, hierarchies.SUBTREE, "cgroup.threads"):
            if (directory / file).exists():
                os.chown(directory / file, uid, uid)


def _sweep(above: Path) -> None:
    """Remove the cgroups of killed pytests; rmdir(2) refuses those with processes."""
    for each in above.glob(f"{PREFIX}*-*"):
        owner = each.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            with suppress(KernelError):
                cgroup_directories.remove(str(each))


def _remove(directory: Path) -> None:
    def gone() -> bool:
        for pid in hierarchies.pids(str(directory), below=True):
            kill_quietly(pid)
        try:
            cgroup_directories.remove(str(directory))
        except KernelError:
            return not directory.exists()  # A killed process may still be dying.
        return True

    wait_until(gone, f"the end of {directory}")
