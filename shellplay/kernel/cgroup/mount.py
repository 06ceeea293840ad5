"""Mount the cgroups of a container inside it: programs read their limits there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from shellplay.kernel import constants as k
from shellplay.kernel import mount
from shellplay.kernel.here import HERE

if TYPE_CHECKING:
    from shellplay.kernel.caller import Caller
    from shellplay.kernel.cgroup.hierarchies import Hierarchy

POINT = "/sys/fs/cgroup"


def mount_unified(caller: Caller) -> None:
    """Mount version 2 read-only; its root is the root of the caller's cgroup namespace."""
    caller.mount("cgroup2", POINT, "cgroup2", mount.QUIET | k.MS_RDONLY)


def mount_each(caller: Caller, found: Iterable[tuple[Hierarchy, str]]) -> None:
    """Mount directories of version 1 read-only, under their names on the host.

    This process copies the mounts, because the caller may not see them any more.  Only root
    can copy them.
    """
    caller.mount("tmpfs", POINT, "tmpfs", mount.QUIET, "mode=755")
    for hierarchy, directory in found:
        name = os.path.basename(hierarchy.point)
        place = f"{POINT}/{name}"
        mount.mkdirat(caller, place)
        tree = mount.open_tree(HERE, directory)
        try:
            mount.mount_setattr(HERE, tree, "", *mount.READ_ONLY_OPTIONS)
            with caller.passed(tree) as number:
                mount.move_mount(caller, number, place, of=directory)
        finally:
            os.close(tree)
        for controller in hierarchy.controllers - {name}:
            mount.symlinkat(caller, name, f"{POINT}/{controller}")
