"""Limits in tests, for both versions of cgroups."""

from __future__ import annotations

from shellplay.errors import Refused
from shellplay.fences import REGISTRY
from shellplay.fences.base.cgroup_limit import CgroupLimit
from shellplay.fences.io import disk
from shellplay.kernel.cgroup import hierarchies


def kept(kind: str, version_1: str, version_2: str) -> str:
    """Return a line that prints a file of its own cgroup, by the names in both versions."""
    hierarchy = hierarchies.having(kind)
    if hierarchy is None:
        return "false"
    which = "0::" if hierarchy.version == 2 else f"[^:]*:{','.join(hierarchy.controllers)}:"
    own = f"$(sed -n 's/^{which}//p' /proc/self/cgroup)"
    return f"cat {hierarchy.point}{own}/{version_2 if hierarchy.version == 2 else version_1}"


def refused(kind: str) -> str | None:
    """Return why we cannot apply a limit here; None if we can, or if it is not a limit."""
    fence, hierarchy = REGISTRY[kind], hierarchies.having(kind)
    if not issubclass(fence, CgroupLimit):
        return None
    if hierarchy is None:
        return fence.unsupported()
    try:
        hierarchies.place(hierarchy)
        if kind == "io":
            disk(None)
    except Refused as error:
        return str(error)
    return None
