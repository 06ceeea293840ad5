"""Write the settings of a container to its cgroups: weights, rates and reservations."""

from __future__ import annotations

import os

from shellplay.container.spec import CgroupSetting, ProcessSpec
from shellplay.errors import KernelError, Refused
from shellplay.kernel.cgroup import hierarchies
from shellplay.kernel.cgroup.group import FREEZER, Group
from shellplay.kernel.cgroup.hierarchies import Hierarchy

USER = "run"


def enter(spec: ProcessSpec, group: Group, pid: int) -> None:
    """Move a process into the cgroups that are going to be tuned; raises Refused.

    With a parent it is moved in every hierarchy, so that the limits of the parent count.
    """
    found = dict.fromkeys(_hierarchy(each) for each in spec.tuning)
    if spec.cgroup_parent:
        found.update(
            (each, None)
            for each in hierarchies.hierarchies()
            if FREEZER not in each.controllers
        )
    for hierarchy in found:
        needed = {each.controller for each in spec.tuning if _hierarchy(each) is hierarchy}
        controllers = sorted(needed) if hierarchy.version == 2 else ()
        group.hold(hierarchy, USER, *controllers)
        group.move_tree(hierarchy, pid)


def tune(spec: ProcessSpec, group: Group) -> None:
    """Write the settings; raises Refused for one that the kernel does not have or take."""
    for setting in spec.tuning:
        hierarchy = _hierarchy(setting)
        directory = group.directory(hierarchy)
        assert directory is not None, "it was entered"
        files = setting.unified if hierarchy.version == 2 else setting.legacy
        if not files:
            raise Refused(
                f"--{setting.option}: cgroups of version {hierarchy.version} "
                "have no such setting",
                "leave it out",
            )
        there = [(name, text) for name, text in files if os.path.exists(f"{directory}/{name}")]
        if not there:
            raise Refused(
                f"--{setting.option}: this kernel has no {files[0][0]}", "leave it out"
            )
        name, text = there[0]
        try:
            group.write(hierarchy, {name: text})
        except KernelError as error:
            raise Refused(
                f"--{setting.option}: the kernel does not take {text!r} as {name}: "
                f"{os.strerror(error.errno)}"
            ) from error


def _hierarchy(setting: CgroupSetting) -> Hierarchy:
    found = hierarchies.having(setting.controller)
    if found is None:
        raise Refused(
            f"--{setting.option}: this machine has no {setting.controller} controller",
            "leave it out",
        )
    return found
