"""The cgroup fence: its own cgroup becomes the root of what it sees."""

from __future__ import annotations

from shellplay.fences.base.namespace import Namespace


class Cgroup(Namespace, kind="cgroup", man="cgroup_namespaces(7)", aliases=("cgroupns",)):
    """The path of its cgroup: /proc/self/cgroup shows / inside.

    It changes the view, not the membership, and limits nothing.
    """
